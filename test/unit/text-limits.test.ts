/** How long texts may become that tenants write, expressions make and servers send. */
import { describe, expect, test } from "@jest/globals";
import { parseTemplate } from "../../src/core/templating.ts";
import { parseURL, whyTooLong } from "../../src/core/tools/url.ts";
import { RefusedError } from "../../src/http/refusal.ts";
import { headerRecord } from "../../src/http/render/headers.ts";
import { renderRequest } from "../../src/http/render/render.ts";
import { meterValues, scalarText } from "../../src/http/render/values.ts";
import { decodedContent } from "../../src/http/send/content.ts";
import { exchange } from "../support/loopback-requester.ts";

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

describe("a list that repeats its name in", () => {
  const url = "http://127.0.0.1/a";
  const zeros = (count: number): string => `[${Array.from({ length: count }, () => 0).join(",")}]`;
  function rendered(field: string, lists: readonly number[], name: string): unknown {
    const pairs = lists.map((_, index) => ({ name, field: `${field}[${index}].value`, text: `\${ .inputs.list${index} }` }));
    const filled = field === "spec.query" ? { query: pairs } : { body: { type: "form", fields: pairs } as const };
    const valueOf = (expression: string): string => zeros(lists[Number(expression.replace(".inputs.list", ""))] ?? 0);
    try {
      const { path, body } = renderRequest(exchange({ url, request: filled }).request, { valueOf, bytes: new Map() }, "a");
      return field === "spec.query" ? path.length - "/a?".length : body?.length;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return error.message;
    }
  }
  test.each([
    ["spec.query", 65_536],
    ["spec.body.form", 4_194_304],
  ])("%s counts that name each time, over all lists", (field, most) => {
    const name = long(256);
    expect(rendered(field, [10, 20], name)).toBe(30 * "=0&".length + 30 * name.length - 1);
    const many = Math.ceil(most / 258);
    const refused = (index: number): string =>
      `${field}[${index}].value: its list makes more than ${most} characters of the request`;
    expect(rendered(field, [many], name)).toBe(refused(0));
    expect(rendered(field, [many / 2, many / 2, 10].map(Math.floor), name)).toBe(refused(2));
    // Of those that are few enough the whole URL is measured.
    const fits = field === "spec.query" ? expect.stringContaining("with its query the URL is longer") : (many - 1) * 259 - 1;
    expect(rendered(field, [many - 1], name)).toEqual(fits);
  });
});

test("a content type has at most 1024 characters, and a longer one is as good as none", () => {
  const type = (length: number): string => "text/plain;charset=iso-8859-1".padEnd(length, ";a=b");
  const content = Buffer.from("\u00e9", "latin1");
  expect(decodedContent(content, type(1_024))).toMatchObject({ text: "\u00e9", isText: true });
  expect(decodedContent(content, type(1_025))).toMatchObject({ isText: false });
});
