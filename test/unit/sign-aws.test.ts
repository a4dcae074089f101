/** AWS Signature Version 4 against the published test suite (aws-sig-v4-test-suite), whose requests are at one fixed time. */
import { expect, test } from "@jest/globals";
import { signRequest } from "../../src/http/credentials/credential.ts";

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
