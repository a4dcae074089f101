/** DisposableRequests that provider-http had ended with when they were taken over, served on a real API server. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  conditionText,
  getServed,
  makeLive,
  servedGroup,
  servedPath,
  startServing,
  toldTo,
  untilSays,
  type Served,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 120_000;

describeWithControlPlane("DisposableRequests that are taken over", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const get = (): Promise<Served | undefined> => getServed(plane, "disposablerequests", namespace, "lost");
  const says = (plural: string, type: string, text: string): Promise<void> =>
    untilSays(plane, { plural, namespace, name: "lost" }, { type, text, limitMs: longMs });

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-taken");
    origin = stack.use(await peerOrigin());
    stack.use(await startServing(plane, namespace));
  }, longMs);

  test(
    "what had been given up stays so, and is sent once it may be tried more often",
    async () => {
      const url = `${origin.url}/api/sessions`;
      const requestDetails = { method: "POST", url };
      const there = { failed: 2, error: "as it was there", response: { statusCode: 503 }, requestDetails };
      const lost = {
        apiVersion: `${servedGroup}/v1alpha2`,
        kind: "DisposableRequest",
        metadata: { name: "lost", namespace },
        spec: {
          providerConfigRef: { name: "plain", kind: "ProviderConfig" },
          forProvider: { url, method: "POST", nextReconcile: "1s", rollbackRetriesLimit: 2 },
        },
      };
      await makeLive(plane, lost, { ...there, lastReconcileTime: "2026-11-01T00:00:00Z" });
      await says("httprequests", "Ready", "True AssumedDone");
      await says("disposablerequests", "ErrorObserved", "True RetriesExhausted");
      const taken = await get();
      expect(taken?.status).toMatchObject(there);
      expect(taken?.status?.synced ?? false).toBe(false);
      expect(conditionText(taken, "Ready")).not.toBe("True Available");
      expect(toldTo(origin)).toEqual([]);
      const path = servedPath("disposablerequests", namespace, "lost");
      await plane.adminPatch(path, { spec: { forProvider: { rollbackRetriesLimit: 3 } } });
      await until("it is sent", async () => (await get())?.status?.synced === true, longMs);
      await says("disposablerequests", "Ready", "True Available");
      expect(toldTo(origin)).toEqual(["POST /api/sessions"]);
    },
    5 * longMs,
  );
});
