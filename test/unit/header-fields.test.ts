/** What header fields say. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { runs } from "../support/fuzz.ts";
import { challengedSchemes } from "../../src/core/challenges.ts";
import { parseChallenges, parseParameters } from "../../src/core/auth-challenges.ts";
import { nextLink } from "../../src/core/tools/link-header.ts";
import { signRequest } from "../../src/http/credentials/credential.ts";

describe("challenges", () => {
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
});

describe("auth challenges", () => {
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
      runs(100),
    );
  });
});

describe("link header", () => {
  test.each([
    ['<https://a/?p=2>; rel="next"', "https://a/?p=2"],
    ["</b>;rel=next", "/b"],
    ['<a>; rel="prev", <b>; rel="next"; title="x, <y>; rel=z"', "b"],
    ['<a>; title="a \\"next\\" one, <c>; rel=next", <b>; REL="last Next"', "b"],
    ['<a>; rel="prev"; rel="next", <b>; rel=next', "b"],
    ["<a;b,c>; rel = next", "a;b,c"],
    ["<a>; x; rel=next", "a"],
    [", <a>; rel=next,", "a"],
    ["<>; rel=next", ""],
  ])("the next page of %s is %s", (header, uri) => {
    expect(nextLink(header)).toEqual({ type: "link", uri });
  });

  test.each(['<a>; rel="prev"', "<a>", "", "<a>; title=x", "junk"])("%s has none", (header) => {
    expect(nextLink(header)).toEqual({ type: "none" });
  });

  test.each([
    "a; rel=next",
    "<a; rel=next",
    '<a>; rel="next',
    "<a> rel=next",
    "<a>; rel=",
    "<a>; rel='next'",
    "<a>; title=, <b>; rel=next",
  ])("%s cannot be read", (header) => {
    expect(nextLink(header).type).toBe(header === "<a>; rel=" ? "none" : "unreadable");
  });
});

// AWS Signature Version 4 against the published test suite (aws-sig-v4-test-suite), whose requests are at one fixed time.
describe("sign aws", () => {
  const settings = {
    type: "awsSigV4",
    region: "us-east-1",
    service: "service",
    accessKeyID: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  } as const;
  const at = new Date("2015-08-30T12:36:00Z");

  test.each([
    ["get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    ["post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "get-vanilla-query-order-key-case",
      "GET",
      "/?Param2=value2&Param1=value1",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    ["get-vanilla-empty-query-key", "GET", "/?Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"],
    [
      "get-vanilla-query-unreserved",
      "GET",
      "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ],
    [
      "get-unreserved",
      "GET",
      "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ],
    ["get-vanilla-utf8-query", "GET", "/?%E1%88%B4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"],
    ["post-vanilla-query", "POST", "/?Param1=value1", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"],
  ])("%s has the signature of the suite", (_name, method, path, signature) => {
    const request = signRequest({ method, origin: "https://example.amazonaws.com", path, headers: {} }, settings, at);
    expect(request.headers).toEqual({
      "x-amz-date": "20150830T123600Z",
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
  });

  test("a session token goes along, signed; each second has a signature of its own", () => {
    const request = { method: "GET", origin: "https://example.amazonaws.com", path: "/", headers: {} };
    const first = signRequest(request, { ...settings, sessionToken: "a-session" }, at);
    expect(first.headers).toMatchObject({ "x-amz-security-token": "a-session" });
    expect(first.headers["authorization"]).toContain("SignedHeaders=host;x-amz-date;x-amz-security-token");
    const later = signRequest(request, settings, new Date(at.getTime() + 1_000));
    expect(later.headers["authorization"]).not.toBe(signRequest(request, settings, at).headers["authorization"]);
  });
});
