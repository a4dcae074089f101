/** Who leads without a lease, on an API server that a test plays. */
import { expect, test } from "@jest/globals";
import { leadershipFor } from "../../src/cli/leadership.ts";
import type { ControllerSettings } from "../../src/config.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { StoreWentBackError } from "../../src/kubernetes/store-version.ts";

const settings = { leaderElect: false, namespace: ["n"], retryPeriod: 1 } as unknown as ControllerSettings;

test("without a lease nothing begins any more once the store has been seen to have gone back", async () => {
  const versions = ["5", "6", "3"];
  const call = async () => ({ status: 200, body: { metadata: { resourceVersion: versions.shift() } } });
  const leadership = leadershipFor(settings, { client: { call } as unknown as ApiClient, emit: () => {}, identity: "me" });
  const terms: (number | undefined)[] = [leadership.term()];
  const never = new AbortController().signal;
  const ran = leadership.run({ stop: never, ended: never }, () => void terms.push(leadership.term()));
  await expect(ran).rejects.toBeInstanceOf(StoreWentBackError);
  expect([...terms, leadership.term()]).toEqual([1, 1, undefined]);
});
