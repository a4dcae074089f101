/** Who may read the metrics, beside what the chart's tests ask a real API server. */
import { expect, test } from "@jest/globals";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { createAccessReview } from "../../src/kubernetes/access-review.ts";

test("a flood of tokens takes no more than a few of the calls that the controller needs, and passes", async () => {
  const asked: ((error: Error) => void)[] = [];
  const call: ApiClient["call"] = () => new Promise((_, reject) => asked.push(reject));
  const access = createAccessReview({ call } as ApiClient);
  const { signal } = new AbortController();
  const flood = Array.from({ length: 100 }, (_, index) => access(`token-${index}`, "/metrics", signal).catch(String));
  expect(asked).toHaveLength(8);
  for (const fail of asked.splice(0)) fail(new Error("the API server is away"));
  const ends = await Promise.all(flood);
  expect(ends.filter((end) => end === "Error: the API server is away")).toHaveLength(8);
  void access("another", "/metrics", signal).catch(() => {});
  expect(asked).toHaveLength(1);
});
