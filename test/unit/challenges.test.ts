import { expect, test } from "@jest/globals";
import { challengedSchemes } from "../../src/core/challenges.ts";

test.each<[string, readonly string[]]>([
  ['Basic realm="a"', ["Basic"]],
  ["basic", ["Basic"]],
  ["Negotiate, NTLM", ["Negotiate", "NTLM"]],
  ['Digest realm="a, b", qop="auth", nonce="x", Bearer scope="a b",BASIC realm="c"', ["Digest", "Bearer", "Basic"]],
  ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"', ["Basic"]],
  ["<script>, Basic=1", []],
  ["", []],
])("the schemes in %j", (field, schemes) => {
  expect(challengedSchemes(field)).toEqual(schemes);
});
