/** Lines of text of the log: where a value begins and ends can be told, whatever is in it. */
import { expect, test } from "@jest/globals";
import { assert, property } from "fast-check";
import { fieldTexts } from "../../src/telemetry/log.ts";
import { anyText, runs } from "../support/fuzz.ts";

test.each([
  ["a word, a URL, an address", "http://a.example/b?c=d&e", "http://a.example/b?c=d&e"],
  ["a blank", "no complete answer", '"no complete answer"'],
  ["nothing", "", '""'],
  ["a quote", 'a"b', String.raw`"a\"b"`],
  ["a line break", "a\nINFO forged", String.raw`"a\nINFO forged"`],
  ["what speaks to a terminal", "\u001b[2J\u009b2J", String.raw`"\u001b[2J\u009b2J"`],
  ["what is no text", { a: ["b c"] }, '{"a":["b c"]}'],
  ["nothing at all", undefined, "null"],
])("a value that has %s", (_, value, text) => {
  expect(fieldTexts({ name: value })).toEqual([`name=${text}`]);
});

test("any text can be read back, and is in one line", () => {
  assert(
    property(anyText(), (value) => {
      const [text = ""] = fieldTexts({ name: value });
      const shown = text.slice("name=".length);
      expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      if (/\s/.test(shown)) expect(shown.startsWith('"')).toBe(true);
      expect(shown.startsWith('"') ? JSON.parse(shown) : shown).toBe(value);
    }),
    runs(1_000),
  );
});
