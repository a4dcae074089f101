import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { manifestText } from "../../src/cli/manifest-text.ts";
import { parseJSON } from "../../src/core/tools/json.ts";
import { readYAML } from "../../src/standalone/yaml.ts";
import { anyText, runs } from "../support/fuzz.ts";

/** What YAML 1.1 takes for something else than text, and YAML 1.2 does not, or the other way round. */
const odd = "on y n ~ null = << .inf 1e3 +1 0x1F 0o17 1_000 0b1 12:30:45 2001-01-01 08 1. ._1 *a &a ? | > --- ... ' \" {";
const text = fc.oneof(
  fc.string(),
  anyText(),
  fc.constantFrom(...odd.split(" "), "\u2028", "\u0085", "\uFEFFa", " a", "a\n\n", "a: b", "- a", "#x", "!!str", ""),
);
const key = text.filter((name) => name !== "__proto__");
const value = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(text, { maxLength: 2 }),
  fc.dictionary(key, text, { maxKeys: 2 }),
);

test("kubectl reads what was meant, whatever the texts are", () => {
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 3 }), (manifest) => {
      const { documents, errors } = readYAML(manifestText(manifest));
      expect(errors).toEqual([]);
      expect(JSON.parse(JSON.stringify(documents[0]?.value))).toEqual(JSON.parse(JSON.stringify(manifest)));
    }),
    runs(500),
  );
});

test("what kubectl's reader refuses is written as an escape", () => {
  for (const character of ["\u007F", "\u0080", "\u0085", "\u009F", "\u2028", "\uFEFF", "\uFFFE", "\uFFFF"]) {
    const written = manifestText({ a: `x${character}y` });
    expect(written).not.toContain(character);
    expect(readYAML(written).documents[0]?.value).toEqual({ a: `x${character}y` });
  }
  expect(manifestText({ a: "é\u00A0" })).toBe("a: é\u00A0\n");
});

test("large integers keep their digits, and what is there twice is written twice", () => {
  const shared = { a: "b" };
  expect(manifestText({ n: parseJSON("12345678901234567890"), one: shared, two: shared })).toBe(
    '"n": 12345678901234567890\none:\n  a: b\ntwo:\n  a: b\n',
  );
});
