import { expect, test } from "@jest/globals";
import type { Secrets } from "../../src/core/mask-secrets.ts";
import type { Response } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { isSameContent, recordResponse, keepRecorded, type Keeping } from "../../src/kinds/request/recorded.ts";

const keeping = { record: "Body" } as Keeping;
const none: Secrets = { kept: [], derived: [] };

function response(body: string, secrets: () => Secrets = () => none, headers: Response["headers"] = {}): Response {
  const shown = createShown({ headers, body }, secrets);
  return { statusCode: 200, headers, body: redact(body), shown, sizeBytes: body.length, sha256: "ab", durationMs: 1 };
}

test("no field is looked through that nobody asks for, and none before it is asked for", () => {
  let asked = 0;
  const secrets = (): Secrets => {
    asked += 1;
    return { kept: ["s3cr3t"], derived: [] };
  };
  const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`x-field-${index}`, "s3cr3t"]));
  const one = response("a s3cr3t", secrets, { ...many, "content-type": "text/s3cr3t" });
  expect(asked).toBe(0);
  expect(recordResponse(one, { record: "None" })).toEqual({});
  expect(asked).toBe(0);
  const { response: record } = recordResponse(one, keeping);
  expect(record).toMatchObject({ body: "a ***", headers: { "content-type": "text/***" } });
  expect(asked).toBeLessThanOrEqual(4);
});

test("a digest is kept unless it is switched off, or a secret went out with the request", () => {
  const digestOf = (one: Response, more: Partial<Keeping> = {}) => recordResponse(one, { ...keeping, ...more }).response?.sha256;
  expect(digestOf(response("{}"))).toBe("ab");
  expect(digestOf(response("{}"), { recordDigest: false })).toBeUndefined();
  expect(digestOf(response("{}", () => ({ kept: ["1234"], derived: [] })))).toBeUndefined();
  const before = recordResponse(response("{}"), keeping).response;
  expect(keepRecorded(before, { ...keeping, recordDigest: false }).response).not.toHaveProperty("sha256");
  expect(keepRecorded(before, keeping).response).toEqual(before);
});

test("without a digest a record is that of the same content by the body that it keeps", () => {
  const record = (body: string) => recordResponse(response(body), { ...keeping, recordDigest: false }).response;
  expect([isSameContent(record("a"), record("a")), isSameContent(record("a"), record("b"))]).toEqual([true, false]);
  expect([isSameContent(undefined, record("a")), isSameContent(record("a"), undefined)]).toEqual([false, false]);
});

test("a body in which secrets cannot be looked for is not kept, and why is said", () => {
  const many: Secrets = { kept: Array.from({ length: 2_000 }, (_, index) => `secret-${index}`), derived: [] };
  const record = recordResponse(
    response("a body that is long enough", () => many, { etag: "long enough for them" }),
    keeping,
  );
  expect(record.response).toMatchObject({ bodyOmitted: expect.stringContaining("too many secrets") });
  expect(record.response).not.toHaveProperty("body");
  expect(record.response).not.toHaveProperty("headers");
});
