/** Who holds the provider off, and until when, on an API server that a test plays. */
import { expect, test } from "@jest/globals";
import { exclusionFor } from "../../src/cli/serve/exclusion.ts";
import type { ControllerSettings } from "../../src/config.ts";
import type { ApiClient, ApiRequest } from "../../src/kubernetes/api-client.ts";
import { until } from "../support/memory-store.ts";

/** One Lease, which takes each write. */
function oneLease() {
  let spec: { readonly holderIdentity?: string } = {};
  let version = 1;
  async function call({ method, body }: ApiRequest): Promise<{ status: number; body: unknown }> {
    if (method !== "GET") {
      spec = (body as { spec: object }).spec;
      version += 1;
    }
    const metadata = { namespace: "n", name: "of-the-provider", uid: "u", resourceVersion: String(version) };
    return { status: 200, body: { metadata, spec } };
  }
  return {
    client: { call: call as ApiClient["call"] } as ApiClient,
    holder: () => spec.holderIdentity ?? "",
    writes: () => version,
  };
}
const settings = {
  serveProviderHttp: "all",
  providerHttpLease: "n/of-the-provider",
  leaseDuration: 3_000,
  renewDeadline: 2_000,
  retryPeriod: 20,
  reconcileTimeout: 60_000,
} as ControllerSettings;

/** Until what it gives is called. */
function run(exclusion: ReturnType<typeof exclusionFor>, isBusy = (): boolean => true, began = (): void => {}) {
  const [stop, ended] = [new AbortController(), new AbortController()];
  const running = exclusion.run({ stop: stop.signal, ended: ended.signal }, began, isBusy);
  return async (): Promise<void> => {
    stop.abort();
    ended.abort();
    await running;
  };
}

test("one that leads no more holds the provider off for as long as something of it is under way, and serves nothing new", async () => {
  const { client, holder, writes } = oneLease();
  const state = { leads: true, isBusy: true };
  const exclusion = exclusionFor(settings, { client, emit: () => {}, identity: "me", leads: () => state.leads });
  let began = 0;
  const end = run(
    exclusion,
    () => state.isBusy,
    () => (began += 1),
  );
  await until(() => exclusion.holds());
  state.leads = false;
  const before = writes();
  await until(() => writes() > before + 5 || holder() === "");
  expect([holder(), exclusion.holds()]).toEqual(["me", true]);
  state.isBusy = false;
  await until(() => holder() === "");
  expect(exclusion.holds()).toBe(false);
  state.leads = true;
  await until(() => exclusion.holds());
  expect(began).toBe(2);
  await end();
  expect(holder()).toBe("");
});

test("what was begun at the last moment has as long as any, however seldom it is looked", async () => {
  const { client, holder } = oneLease();
  const [retryPeriod, reconcileTimeout] = [400, 500];
  let endsAt = Infinity;
  const parts = { client, emit: () => {}, identity: "me", leads: () => performance.now() < endsAt };
  const exclusion = exclusionFor({ ...settings, retryPeriod, reconcileTimeout }, parts);
  const end = run(exclusion);
  await until(() => exclusion.holds());
  endsAt = performance.now() + 350; // shortly before it is looked again
  await until(() => holder() === "");
  const heldMs = performance.now() - endsAt;
  await end();
  expect(heldMs).toBeGreaterThanOrEqual(reconcileTimeout);
});

test("one that leads no more lets go of it after as long as a reconcile may take, though its work does not come to an end", async () => {
  const { client, holder } = oneLease();
  const state = { leads: true };
  const parts = { client, emit: () => {}, identity: "me", leads: () => state.leads };
  const exclusion = exclusionFor({ ...settings, reconcileTimeout: 50 }, parts);
  const end = run(exclusion);
  await until(() => exclusion.holds());
  state.leads = false;
  await until(() => holder() === "");
  expect(exclusion.holds()).toBe(false);
  await end();
});
