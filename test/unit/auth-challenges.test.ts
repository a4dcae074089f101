import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { parseChallenges, parseParameters } from "../../src/core/auth-challenges.ts";

const shown = (fields: readonly string[]): unknown =>
  parseChallenges(fields).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each<[readonly string[], unknown]>([
  [['Basic realm="a"'], [["basic", { realm: "a" }]]],
  [
    ['Digest realm="a, b", qop="auth,auth-int", nonce="x\\"y", stale=true, Bearer scope="a b",BASIC realm="c"'],
    [
      ["digest", { realm: "a, b", qop: "auth,auth-int", nonce: 'x"y', stale: "true" }],
      ["bearer", { scope: "a b" }],
      ["basic", { realm: "c" }],
    ],
  ],
  [
    ["Negotiate", "NTLM TlRMTVNTUAAB=="],
    [
      ["negotiate", {}],
      ["ntlm", {}],
    ],
  ],
  [['Digest Realm = "a" , NONCE=b'], [["digest", { realm: "a", nonce: "b" }]]],
  [['Digest realm="a", realm="b"'], [["digest", { realm: "a" }]]],
  [['Digest __proto__="a", realm="unterminated'], [["digest", JSON.parse('{"__proto__": "a"}')]]],
  [["", ", ,", "=", '"'], []],
])("the challenges in %j", (fields, expected) => {
  expect(shown(fields)).toEqual(expected);
});

test("parameters without a scheme", () => {
  expect(Object.fromEntries(parseParameters('qop=auth, nextnonce="a\\\\b"'))).toEqual({ qop: "auth", nextnonce: "a\\b" });
});

test("any challenge that is written is read as it was", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const challenge = fc.record({
    scheme: name,
    parameters: fc.dictionary(name, fc.string({ unit: "binary-ascii", maxLength: 20 }), { minKeys: 1 }),
  });
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
      const text = challenges.map(
        ({ scheme, parameters }) =>
          `${scheme} ${Object.entries(parameters)
            .map(([key, value]) => `${key}="${value.replace(/["\\]/g, "\\$&")}"`)
            .join(", ")}`,
      );
      expect(shown([text.join(", ")])).toEqual(challenges.map(({ scheme, parameters }) => [scheme, parameters]));
    }),
  );
});
