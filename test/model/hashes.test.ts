/** Hashes in expressions, against node:crypto; and that asking for them lets an expression do nothing else. */
import { createHash, createHmac } from "node:crypto";
import { afterAll, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { anyText, runs } from "../support/fuzz.ts";

const evaluator = createEvaluator({ deadlineMs: 5_000, threads: 1 });
afterAll(async () => evaluator[Symbol.asyncDispose]());
const signal = new AbortController().signal;
const evaluate = (document: unknown, ...expressions: string[]) =>
  evaluator.evaluate(JSON.stringify(document), expressions, signal);
async function valueOf(document: unknown, expression: string): Promise<unknown> {
  const found = await evaluate(document, expression);
  return found.type === "values" ? JSON.parse(found.json[0] ?? "") : found;
}
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("wish 33: an expression", () => {
  test.each(["md5", "sha1", "sha256", "sha384", "sha512"])("has %s, of texts and of anything else", async (name) => {
    for (const text of ["", "abc", 'grüße "漢字" \\(1) \n\u0001'])
      expect(await valueOf({ text }, `.text | digest("${name}"; "hex")`)).toBe(createHash(name).update(text).digest("hex"));
    expect(await valueOf({ a: [1, null] }, `digest("${name}"; "base64")`)).toBe(
      createHash(name).update('{"a":[1,null]}').digest("base64"),
    );
  });
  test("has HMACs, with a key of text or of bytes", async () => {
    const document = { key: "kéy", text: "body", bytes: { base64: "AP8Q" } };
    const expected = createHmac("sha512", "kéy").update("body").digest("base64url");
    expect(await valueOf(document, '.key as $k | .text | hmac("sha512"; $k; "base64url")')).toBe(expected);
    expect(await valueOf(document, '.bytes as $k | .text | hmac("sha256"; $k; "hex")')).toBe(
      createHmac("sha256", Buffer.from([0, 255, 16]))
        .update("body")
        .digest("hex"),
    );
    // RFC 4231, section 4.3
    expect(await valueOf("what do ya want for nothing?", 'hmac("sha256"; "Jefe"; "hex")')).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });
  test("has short ways, for SHA-256 and for base64url", async () => {
    expect(await valueOf("abc", "sha256")).toBe(sha256("abc"));
    expect(await valueOf("a?>~~b", "base64url")).toBe(Buffer.from("a?>~~b").toString("base64url"));
  });
  test("hashes hashes, lists, and what a condition chooses by a hash", async () => {
    expect(await valueOf("a", "sha256 | sha256 | sha256")).toBe(sha256(sha256(sha256("a"))));
    const many = Array.from({ length: 200 }, (_, index) => `item ${index}`);
    expect(await valueOf(many, "map(sha256)")).toEqual(many.map(sha256));
    expect(await valueOf("abc", 'if (sha256 | startswith("ba7816")) then "yes" else error("a stand-in was seen") end')).toBe(
      "yes",
    );
    expect(await valueOf("abc", '(try (sha256 | if . == "" then error("x") else . end) catch "caught")')).toBe(sha256("abc"));
  });
  test("may have a function of its own of that name", async () => {
    expect(await valueOf(1, "def sha256: . + 1; sha256")).toBe(2);
  });
  test("fails with an unknown algorithm, encoding or key, and so where it catches that", async () => {
    expect(await evaluate("a", 'digest("sha3"; "hex")')).toMatchObject({
      type: "failed",
      message: expect.stringContaining("md5, sha1"),
    });
    expect(await evaluate("a", 'digest("sha256"; "binary")')).toMatchObject({
      type: "failed",
      message: expect.stringContaining("hex"),
    });
    for (const key of ["null", "7", "{}"])
      expect(await evaluate("a", `hmac("sha256"; ${key}; "hex")`)).toMatchObject({
        type: "failed",
        message: expect.stringContaining("key"),
      });
    expect(await valueOf("a", 'try digest("sha3"; "hex") catch "caught"')).toBe("caught");
    expect(await evaluate("a", "[range(1001) | tostring | sha256]")).toMatchObject({
      type: "failed",
      message: expect.stringContaining("1000 hashes"),
    });
    expect(await evaluate("a", "last(limit(9; recurse(sha256)))")).toMatchObject({
      type: "failed",
      message: expect.stringContaining("deep"),
    });
  });
  test("can ask for nothing else, and sees neither others' questions nor how it is done", async () => {
    for (const text of ['"[\\"sha256\\"]" | stderr', '"x" | holdfast_ask', '"x" | holdfast_hash("sha256"; null; "hex")'])
      expect(await evaluate("a", `sha256 | ${text}`)).not.toMatchObject({ type: "timeout" });
    expect(await evaluate("a", "sha256 | holdfast_ask")).toMatchObject({ type: expect.stringMatching("failed|invalid") });
    expect(
      await evaluate("a", '. as $x | "[\\"sha256\\",null,\\"hex\\",\\"secret\\"]\\n" | debug | stderr | sha256'),
    ).toMatchObject({
      type: "values",
    });
    const both = await evaluate({ a: "1", b: "2" }, ".a | sha256", ".b | sha256", ".a");
    expect(both).toEqual({ type: "values", json: [`"${sha256("1")}"`, `"${sha256("2")}"`, '"1"'] });
  });
  test("that does not compile is told so at the user's place", async () => {
    expect(await evaluator.compile(["sha256 | digest(", "."], signal)).toMatchObject({ type: "invalid", index: 0 });
    expect(await evaluator.compile(['hmac("sha256")'], signal)).toMatchObject({
      message: expect.stringContaining("hmac/1 is not defined (line 1, column"),
    });
  });
  test("agrees with node:crypto on any text", async () => {
    await fc.assert(
      fc.asyncProperty(anyText(200), fc.string({ unit: "grapheme" }), async (text, key) => {
        const expected = [sha256(text.toWellFormed()), createHmac("sha1", key).update(text.toWellFormed()).digest("hex")];
        expect(
          await valueOf({ text: text.toWellFormed(), key }, '[(.text | sha256), (.key as $k | .text | hmac("sha1"; $k; "hex"))]'),
        ).toEqual(expected);
      }),
      runs(60),
    );
  });
});
