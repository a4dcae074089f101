/** What is made of an API server's refusal. */
import { expect, test } from "@jest/globals";
import { ApiError } from "../../src/kubernetes/api-error.ts";

test("no server is left alone for longer than ten minutes, whatever it asks for: no timer could count that", () => {
  const asked = (retryAfterSeconds: number): ApiError => new ApiError("GET /", 429, { details: { retryAfterSeconds } });
  expect(asked(9).retryAfterMs).toBe(9_000);
  expect(asked(1e9).retryAfterMs).toBe(600_000);
  expect(new ApiError("GET /", 503, undefined, 1e12).retryAfterMs).toBe(600_000);
  expect(new ApiError("GET /", 503, undefined).retryAfterMs).toBeUndefined();
});
