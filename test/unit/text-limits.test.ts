/** How long texts may become that tenants write, expressions make and servers send. */
import { expect, test } from "@jest/globals";
import { parseTemplate } from "../../src/core/templating.ts";
import { parseURL, whyTooLong } from "../../src/core/tools/url.ts";
import { meterValues, scalarText } from "../../src/http/render/values.ts";
import { headerRecord } from "../../src/http/render/headers.ts";

const long = (length: number): string => "x".repeat(length);

test("a URL has at most 65536 characters, and a host that DNS could have, however it is written", () => {
  expect(parseURL(`http://a/${long(65_000)}`)?.pathname).toHaveLength(65_001);
  for (const text of [
    `http://a/${long(65_536)}`,
    `http://${"a.".repeat(127)}b/`,
    `http://${long(2_000)}/`,
    `//${"é".repeat(2_000)}/`,
    `http:${"é".repeat(2_000)}`,
    `ht\ttp:\\\\${"日".repeat(5_000)}`,
    ` https:/${"%C3%A9".repeat(500)}/a`,
  ])
    expect([text.slice(0, 20), parseURL(text, "http://base/")]).toEqual([text.slice(0, 20), undefined]);
  expect(parseURL(`${long(3_000)}/b`, "http://base/")?.pathname).toBe(`/${long(3_000)}/b`);
  expect(parseURL(`http://${"a.".repeat(126)}b/`)?.hostname).toHaveLength(253);
  expect(whyTooLong(`http://${long(2_000)}`)).toContain("host");
});

test("an expression has at most 8192 characters wherever it stands", () => {
  expect(parseTemplate(`a \${ ${long(8_192)} }`).type).toBe("template");
  expect(parseTemplate(`a \${ ${long(8_193)} }`)).toMatchObject({ type: "invalid", message: expect.stringContaining("8192") });
});

test("what an expression yields for a URL, query or header has at most 65536 characters", () => {
  expect(scalarText(JSON.stringify(long(65_536)), "spec.url", ".a")).toHaveLength(65_536);
  const message = /^spec\.url: the expression \$\{ \.a \} yields more than 65536 characters$/;
  expect(() => scalarText(JSON.stringify(long(65_537)), "spec.url", ".a")).toThrow(message);
  const field = { field: "spec.headers[0].value", name: "a", value: long(65_537) };
  expect(() => headerRecord([field])).toThrow(/^spec\.headers\[0\]\.value: the value is longer than 65536 characters$/);
});

test("a value counts as often as a request uses it, and what makes too much of one is refused by the field's name", () => {
  const json = JSON.stringify(long(1 << 20));
  const valueOf = meterValues(() => json, [{ field: "spec.body.text", text: "${ .inputs.a }" }]);
  for (let used = 1; used < 4; used += 1) expect(valueOf(".inputs.a")).toBe(json);
  expect(() => valueOf(".inputs.a")).toThrow(/^spec\.body\.text: .* more than 4194304 characters/);
});
