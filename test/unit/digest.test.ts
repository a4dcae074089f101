import { createHash } from "node:crypto";
import { expect, test } from "@jest/globals";
import { attemptUUID, digest } from "../../src/core/tools/digest.ts";

test("makes UUIDs of version 5 and the RFC's variant", () => {
  expect(attemptUUID(["uid", "0", "digest"])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
test("tells lists of parts apart that read alike when joined", () => {
  expect(attemptUUID(["a", "bc"])).not.toBe(attemptUUID(["ab", "c"]));
});
test("is the SHA-256 of the canonical text", () => {
  expect(digest({ b: 1, a: undefined })).toBe(createHash("sha256").update('{"b":1}').digest("hex"));
});
