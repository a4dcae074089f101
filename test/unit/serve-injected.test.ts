/** Secrets of answers: what is shown of such an answer, and which labels are made of it. */
import { expect, test } from "@jest/globals";
import { assert, dictionary, integer, jsonValue, oneof, property, string } from "fast-check";
import { isLabelValue, takeMade } from "../../src/convert/made-metadata.ts";
import { bodyWithPlaceholders, withKnown, type InjectedValue } from "../../src/serve/injected-body.ts";

const value = (text: string, isHeader = false): InjectedValue => ({ placeholder: "{{s:here:k}}", value: text, isHeader });
const shown = (body: string, ...texts: readonly string[]): string | undefined =>
  bodyWithPlaceholders(
    body,
    texts.map((text) => value(text)),
  );

test("each value that went into a Secret is a placeholder, wherever it is all of a text", () => {
  expect(shown('{"id": "4", "k": "a secret"}\n', "a secret")).toBe('{"id":"4","k":"{{s:here:k}}"}');
  expect(shown('{"k":"line\\n\\"two\\""}', 'line\n"two"')).toBe('{"k":"{{s:here:k}}"}');
  expect(shown("a token", "a token")).toBe("{{s:here:k}}");
  expect(shown('{"k":"","id":12345678901234567890}', "")).toBe('{"k":"","id":12345678901234567890}');
  expect(shown('{"k":"$&","of":["$&",1]}', "$&")).toBe('{"k":"{{s:here:k}}","of":["{{s:here:k}}",1]}');
});

test("numbers and booleans that stand bare stay, and only those", () => {
  expect(shown('{"id":123,"on":true,"floor":"30"}', "123", "true", "30")).toBe('{"id":123,"on":true,"floor":"{{s:here:k}}"}');
  expect(shown('{"code":48151623,"url":"http://a?code=48151623"}', "48151623")).toBeUndefined();
  expect(shown('{"t":"x48151623"}', "48151623")).toBeUndefined();
  expect(shown('{"t":"0x1234abcd","u":"see 0x1234abcd"}', "0x1234abcd")).toBeUndefined();
});

test("what stands in other texts or names, too, or is not found as it is, leaves nothing to be shown", () => {
  expect(shown('{"k":"a-long-secret","url":"http://a?k=a-long-secret"}', "a-long-secret")).toBeUndefined();
  expect(shown('{"k":"four","url":"has four in it"}', "four")).toBeUndefined();
  expect(shown('{"k":"a-name-of-mine","a-name-of-mine":1}', "a-name-of-mine")).toBeUndefined();
  expect(
    shown(`{"k":"a-long-secret","b":"${Buffer.from("a-long-secret").toString("base64")}"}`, "a-long-secret"),
  ).toBeUndefined();
  expect(shown('{"k":"user:password"}', "password")).toBeUndefined();
  expect(shown('{"of":{"a":1,"more":{"a":1}}}', '{"a":1,"more":2}')).toBeUndefined();
  expect(shown("no JSON with a secret in it", "a secret")).toBeUndefined();
  expect(bodyWithPlaceholders('{"id":"4"}', [value("of a header", true)])).toBe('{"id":"4"}');
  expect(bodyWithPlaceholders('{"id":"of a header, too"}', [value("of a header", true)])).toBeUndefined();
});

test("whatever an answer is, it is looked through once, and grows by no more than its placeholders", () => {
  const braces = Array.from({ length: 512 }, () => "{");
  expect(shown('{"x":"{"}', ...braces)).toBe('{"x":"{{s:here:k}}"}');
  expect(shown(`{"k":"a secret","long":"${"x".repeat(20_000)}"}`, "a secret")).toBeUndefined();
  expect(shown(`${"[".repeat(8_000)}${"]".repeat(8_000)}`, "a secret")).toBeUndefined();
});

test("property: no text of a Secret is shown, in no form of JSON", () => {
  const text = string({ minLength: 4, maxLength: 40, unit: "binary" }).filter((one) => one.trim().length >= 4);
  const secrets = oneof(text, integer({ min: 1_000 }).map(String));
  assert(
    property(secrets, dictionary(string(), oneof(jsonValue(), secrets)), (secret, more) => {
      for (const body of [
        { ...more, k: secret },
        { ...more, k: `${secret} and more` },
        { ...more, k: [{ k: secret, n: Number(secret) }] },
      ]) {
        const told = shown(JSON.stringify(body), secret);
        const texts: string[] = [];
        if (told !== undefined)
          JSON.parse(told, (key, one: unknown) => {
            texts.push(key, ...(typeof one === "string" ? [one] : []));
            return one;
          });
        const placeholder = "{{s:here:k}}";
        expect(texts.filter((one) => one !== placeholder && one.includes(secret))).toEqual([]);
      }
    }),
  );
});

test("an answer has what an object is known by, in place of its placeholder, or is not told", () => {
  expect(withKnown('{"a":{"id":"4", "b":1}}', '{"a":{"id":"4"}}')).toBe('{"a":{"id":"4", "b":1}}');
  expect(withKnown('{"a":{"id":"5"}}', '{"a":{"id":"4"}}')).toBeUndefined();
  expect(withKnown('{"a":{"b":"4"}}', '{"a":{"id":"4"}}')).toBeUndefined();
  expect(withKnown('[{"id":12345678901234567890}]', '[{"id":12345678901234567890}]')).toBe('[{"id":12345678901234567890}]');
  expect(withKnown("no JSON", '{"id":"4"}')).toBeUndefined();
  expect(withKnown('{"id":"{{s:here:id}}","k":"{{s:here:k}}","age":45}', '{"id":"u107"}')).toBe(
    '{"id":"u107","k":"{{s:here:k}}","age":45}',
  );
  expect(withKnown('{"of":[{"id":"{{s:here:id}}","n":1},2]}', '{"of":[{"id":"u107"}]}')).toBe('{"of":[{"id":"u107","n":1},2]}');
});

test("labels and annotations are taken out of the data; what is no value of a label is none", () => {
  const made = {
    k: "v",
    kept: null,
    "holdfast-made.labels.state": '["sent"]',
    "holdfast-made.labels.number": "[4]",
    "holdfast-made.labels.on": "[true, 5]",
    "holdfast-made.labels.not": '["has a space"]',
    "holdfast-made.labels.none": "[]",
    "holdfast-made.labels.null": "[null]",
    "holdfast-made.labels.object": '[{"a":1}]',
    "holdfast-made.annotations.a.b": '["ada"]',
  };
  expect(takeMade(made)).toEqual({
    data: { k: "v", kept: null },
    made: { labels: { state: "sent", number: "4", on: "true" }, annotations: { "a.b": "ada" } },
  });
  for (const [text, is] of [
    ["", true],
    ["a", true],
    ["a_b.c-d", true],
    ["-a", false],
    ["a-", false],
    ["a b", false],
    ["x".repeat(64), false],
  ] as const)
    expect([text, isLabelValue(text)]).toEqual([text, is]);
});

test("an object is known in whatever order its fields come", () => {
  const placed = bodyWithPlaceholders('{"of":[{"b":{"d":1,"c":2},"a":1}],"x":{"a":1}}', [value('{"a":1,"b":{"c":2,"d":1}}')]);
  expect(placed).toBe('{"of":["{{s:here:k}}"],"x":{"a":1}}');
});
