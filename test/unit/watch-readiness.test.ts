import { expect, test } from "@jest/globals";
import { ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { readiness } from "../../src/kubernetes/readiness.ts";

const watched = { resource: "httprequests", namespace: undefined, hasListed: true, problem: undefined, silentSecs: 0 };
const problem = { reason: "network", sessionMs: 0 } as const;

test("a watch that is broken for longer than an API server takes to start anew is not ready, and says why", () => {
  expect(readiness({ ...watched, silentSecs: 170 }).ready).toBe(true); // quiet, and connected
  expect(readiness({ ...watched, problem, silentSecs: 20 }).ready).toBe(true);
  const cutOff = readiness({ ...watched, problem, silentSecs: 61 });
  expect(cutOff).toMatchObject({ ready: false, text: expect.stringContaining("the watch of httprequests ended (network)") });
});

test("an API server that is away is said to be", () => {
  const error = new ApiUnreachableError("GET /apis", "ECONNREFUSED");
  const cutOff = readiness({ ...watched, problem: { ...problem, error }, silentSecs: 61 });
  expect(cutOff).toMatchObject({
    ready: false,
    text: "waiting: the API server is away (ECONNREFUSED): nothing is sent, and httprequests is watched again once it is back",
  });
});

test("one that the API server refuses is not ready at once", () => {
  for (const status of [401, 403, 404]) expect(readiness({ ...watched, problem: { ...problem, status } }).ready).toBe(false);
});
