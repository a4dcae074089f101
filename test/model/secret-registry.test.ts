import { expect, test } from "@jest/globals";
import { array, assert, property, string } from "fast-check";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";

const lowerCodes = (text: string): string => text.replaceAll(/%../g, (code) => code.toLowerCase());
const code = (char: string): string => char.charCodeAt(0).toString(16);

test("a line is without every value that is known, in each form in which it can appear", () => {
  const secret = `pass "word" ä/<a>&'(1)!+=`;
  const registry = createSecretRegistry();
  registry.add(secret, "n");
  const [url, json] = [encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  const strict = url.replaceAll(/[!'()*]/g, (char) => `%${code(char).toUpperCase()}`);
  const forms = {
    itself: secret,
    base64: Buffer.from(secret).toString("base64"),
    base64url: Buffer.from(secret).toString("base64url"),
    hexadecimal: Buffer.from(secret).toString("hex"),
    "the same in capitals": Buffer.from(secret).toString("hex").toUpperCase(),
    "a header field's Latin-1": Buffer.from(secret).toString("latin1"),
    "a URL's component": url,
    "the same in lower case": lowerCodes(url),
    "all that RFC 3986 reserves": strict,
    "all of it in lower case": lowerCodes(strict),
    "a path, as Python has it": strict.replaceAll("%2F", "/"),
    "a whole URL": encodeURI(secret),
    "a form": new URLSearchParams([["", secret]]).toString().slice(1),
    "a URL in a URL": encodeURIComponent(url),
    JSON: json,
    "JSON as PHP has it": json.replaceAll("/", "\\/").replaceAll("ä", "\\u00e4"),
    "JSON as Go has it": json.replaceAll(/[<>&]/g, (char) => `\\u00${code(char)}`),
    "JSON as Python has it": json.replaceAll("ä", "\\u00e4"),
    "JSON as Java has it": json.replaceAll("ä", "\\u00E4"),
    "JSON as .NET has it": `pass \\u0022word\\u0022 \\u00E4/\\u003Ca\\u003E\\u0026\\u0027(1)!\\u002B=`,
    "HTML as .NET has it": "pass &quot;word&quot; &#xE4;/&lt;a&gt;&amp;&#x27;(1)!&#x2B;=",
    "JSON in JSON": JSON.stringify(json).slice(1, -1),
    HTML: secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  };
  for (const [form, text] of Object.entries(forms))
    expect([form, registry.scrub(`before ${text} after`)]).toEqual([form, "before *** after"]);
  expect(registry.scrub("nothing of it")).toBe("nothing of it");
});

test("no line holds a whole value that is known, whatever else is in it", () => {
  const secret = string({ minLength: 8, maxLength: 20 }).filter((value) => !value.includes("*"));
  assert(
    property(array(secret, { minLength: 1, maxLength: 5 }), array(string(), { maxLength: 6 }), (secrets, words) => {
      const registry = createSecretRegistry();
      for (const one of secrets) registry.add(one, "n");
      const scrubbed = registry.scrub(words.flatMap((word, index) => [word, secrets[index % secrets.length] ?? ""]).join(""));
      for (const one of secrets) expect(scrubbed).not.toContain(one);
    }),
    { seed: 11, numRuns: 100 },
  );
});

test("a value that overlaps with another, or has it within, leaves nothing of either", () => {
  const registry = createSecretRegistry();
  for (const one of ["abcdefgh1234", "1234ijklmnop", "efgh1234"]) registry.add(one, "n");
  expect(registry.scrub("<abcdefgh1234ijklmnop> <efgh1234>")).toBe("<***> <***>");
});

test("one namespace's values are not forgotten for another's, however many it has", () => {
  const registry = createSecretRegistry({ namespaceBytes: 8_000, totalBytes: 20_000 });
  registry.add("the-victim-s-secret", "victim");
  for (const namespace of ["a", "b", "c", "d"])
    for (let index = 0; index < 200; index += 1) registry.add(`${namespace}-has-another-secret-${index}`, namespace);
  expect(registry.scrub("the-victim-s-secret and a-has-another-secret-0")).toBe("*** and a-has-another-secret-0");
});

test("of values alike but for their ends so many are known that a line is looked through in bounded steps", () => {
  const registry = createSecretRegistry();
  const secretOf = (length: number): string => `${"a".repeat(length)}b`;
  for (let length = 64; length < 127; length += 1) registry.add(secretOf(length), "n");
  const known = Array.from({ length: 63 }, (_, index) => secretOf(64 + index)).filter((one) => registry.scrub(one) === "***");
  expect(known).toEqual(Array.from({ length: 16 }, (_, index) => secretOf(64 + index)));
});

test("words of everybody's stay, and so does what has not been read", () => {
  const registry = createSecretRegistry();
  for (const value of ["admin", "true", ""]) registry.add(value, "n");
  expect(registry.scrub("admin is true")).toBe("admin is true");
});

test("what one value is, and another with a line break is but for that, stays known while either of them does", () => {
  const registry = createSecretRegistry({ namespaceBytes: 4_000 });
  registry.add("secret-word", "n");
  registry.add("secret-word\n", "n");
  const scrubs = (): boolean => !registry.scrub("a secret-word b").includes("secret-word");
  expect(scrubs()).toBe(true);
  for (let n = 0; n < 6; n += 1) {
    registry.add(`another-${n}-word`, "n");
    registry.add("secret-word\n", "n"); // read again, so that it is not the one that goes
    expect([n, scrubs()]).toEqual([n, true]);
  }
});

test("it is bounded, and forgets what has not been read for longest", () => {
  const registry = createSecretRegistry({ namespaceBytes: 8_000 });
  const secretOf = (index: number): string => `canary-number-${String(index).padStart(4, "0")}`;
  registry.add(secretOf(0), "n");
  for (let index = 1; index < 1_000; index += 1) {
    registry.add(secretOf(index), "n");
    registry.add(secretOf(0), "n");
  }
  expect(registry.scrub(secretOf(0))).toBe("***");
  expect(registry.scrub(secretOf(999))).toBe("***");
  expect(registry.scrub(secretOf(1))).toBe(secretOf(1));
});
