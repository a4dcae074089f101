import { expect, test } from "@jest/globals";
import { array, assert, property, string } from "fast-check";
import { createSecretRegistry } from "../../src/http/secret-registry.ts";

test("a line is without every value that is known, in each form in which it can appear", () => {
  const secret = 'pass "word" ä/?';
  const registry = createSecretRegistry();
  registry.add(secret);
  const forms = [
    secret,
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("base64url"),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
  for (const form of forms) expect(registry.scrub(`before ${form} after`)).toBe("before *** after");
  expect(registry.scrub("nothing of it")).toBe("nothing of it");
});

test("no line holds a whole value that is known, whatever else is in it", () => {
  const secret = string({ minLength: 8, maxLength: 20 }).filter((value) => !value.includes("*"));
  assert(
    property(array(secret, { minLength: 1, maxLength: 5 }), array(string(), { maxLength: 6 }), (secrets, words) => {
      const registry = createSecretRegistry();
      for (const one of secrets) registry.add(one);
      const scrubbed = registry.scrub(words.flatMap((word, index) => [word, secrets[index % secrets.length] ?? ""]).join(""));
      for (const one of secrets) expect(scrubbed).not.toContain(one);
    }),
    { seed: 11, numRuns: 100 },
  );
});

test("words of everybody's stay, and so does what has not been read", () => {
  const registry = createSecretRegistry();
  for (const value of ["admin", "true", ""]) registry.add(value);
  expect(registry.scrub("admin is true")).toBe("admin is true");
});

test("it is bounded, and forgets what has not been read for longest", () => {
  const registry = createSecretRegistry({ maxCharacters: 2_000 });
  const secretOf = (index: number): string => `canary-number-${String(index).padStart(4, "0")}`;
  registry.add(secretOf(0));
  for (let index = 1; index < 1_000; index += 1) {
    registry.add(secretOf(index));
    registry.add(secretOf(0));
  }
  expect(registry.scrub(secretOf(0))).toBe("***");
  expect(registry.scrub(secretOf(999))).toBe("***");
  expect(registry.scrub(secretOf(1))).toBe(secretOf(1));
});
