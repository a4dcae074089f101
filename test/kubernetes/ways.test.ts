/** Signatures, times and suspended endpoints on a real API server: what it lets in, what is sent, and what is said of it. */
import { expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describeWithControlPlane("ways to send", (plane) => {
  test("a signed webhook is accepted by its receiver's library; an endpoint holds back what goes by it until it is let go", async () => {
    await using world = await faultWorld(plane, "ways");
    const { origin, requests, namespace } = world;
    const root = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
    const hook = { apiVersion: "v1", kind: "Secret", metadata: { name: "hook" }, stringData: { secret } };
    expect((await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, hook)).status).toBe(201);
    const sign = { scheme: "StandardWebhooks", keys: [{ secretKeyRef: { name: "hook", key: "secret" } }] };
    const endpoint = {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPEndpoint",
      metadata: { name: "hooks" },
      spec: { baseURL: origin.url, sign, suspend: true, maxInFlight: 1, traceContext: "W3C" },
    };
    expect((await plane.admin("POST", `${root}/httpendpoints`, endpoint)).status).toBe(201);
    const spec = { endpointRef: { name: "hooks" }, path: "/hook", method: "POST", body: { json: { text: "grüße" } } };
    await requests.create("held", spec);
    await using _ = await world.start();
    const readyOf = (all: Awaited<ReturnType<typeof requests.all>>, name: string): string | undefined =>
      all.get(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.reason;
    await requests.until("it waits", (all) => readyOf(all, "held") === "EndpointSuspended");
    expect(origin.requests).toEqual([]);

    await plane.adminPatch(`${root}/httpendpoints/hooks`, { spec: { suspend: null } });
    const sent = await requests.until("it is sent", (all) => readyOf(all, "held") === "Succeeded");
    const [received] = origin.requests;
    const headers = Object.fromEntries(Object.entries(received?.headers ?? {}).map(([name, value]) => [name, String(value)]));
    expect(new Webhook(secret).verify(received?.body ?? "", headers)).toEqual({ text: "grüße" });
    const id = sent.get("held")?.status?.attempt?.id ?? "";
    expect(headers["webhook-id"]).toBe(id);
    expect(headers["traceparent"]?.split("-")[1]).toBe(id.replaceAll("-", ""));
  });

  test("what is to be sent at a time is sent then, once; what that time has passed, or a year in cron, is said to be so", async () => {
    await using world = await faultWorld(plane, "times");
    const { origin, requests } = world;
    await using _ = await world.start();
    const at = (path: string, offsetMs: number): object => ({
      url: `${origin.url}${path}`,
      method: "POST",
      schedule: { at: new Date(Date.now() + offsetMs).toISOString() },
    });
    await requests.create("soon", at("/soon", 8_000));
    await requests.create("past", at("/past", -3_600_000));
    await until("it is sent", () => origin.count("/soon") === 1);
    const all = await requests.until("both are told", (now) =>
      ["soon", "past"].every((name) =>
        now.get(name)?.status?.conditions?.some(({ type, reason }) => type === "Ready" && reason !== "Scheduled"),
      ),
    );
    expect(all.get("past")?.status?.conditions?.find(({ type }) => type === "Stalled")?.reason).toBe("ScheduledTimePassed");
    expect([origin.count("/soon"), origin.count("/past")]).toEqual([1, 0]);
    const yearly = { url: `${origin.url}/yearly`, schedule: { cron: "0 3 1 1 * 2027" } };
    await expect(requests.create("yearly", yearly)).rejects.toThrow("must name no year");
  });
});
