/** Outputs that are refused once the answer is there: it is kept, nothing is sent again, and they are written once that is over. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { policyManifest } from "../support/admission-policy.ts";
import { refusal, type Answer } from "../support/api-interposer.ts";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, until, type FaultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** By a name for the objects to which it happens. */
const refusals: Readonly<Record<string, Answer>> = {
  quota: refusal(403, "Forbidden", "exceeded quota: secrets"),
  policy: refusal(422, "Invalid", "is forbidden: ValidatingAdmissionPolicy", { causes: [{ message: "not now" }] }),
  webhook: refusal(400, "BadRequest", 'admission webhook "a.b.c" denied the request'),
  "webhook-down": refusal(500, "InternalError", 'failed calling webhook "a.b.c": connection refused'),
  gateway: { status: 404, body: "<html>no such page</html>" },
  method: refusal(405, "MethodNotAllowed", "the server does not allow this method"),
  token: refusal(401, "Unauthorized", "Unauthorized"),
  unreadable: { status: 200, headers: { "content-type": "application/json" }, body: "<html>" },
  "sent-away": { status: 302, headers: { location: "https://login.invalid/" } },
};
const specs = {
  put: { method: "PUT" },
  post: { method: "POST" },
  keyed: { method: "POST", idempotencyKey: {} },
  each: { method: "PUT", forEach: { expression: '["a"]' } },
} as const;
const names = Object.keys(refusals).flatMap((way) => Object.keys(specs).map((spec) => `${way}.${spec}`));
const longMs = 120_000;

describeWithControlPlane("an output", (plane) => {
  let world: FaultWorld;
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    world = started.use(await faultWorld(plane, "refused-outputs"));
    started.use(await world.start(["--reconcile-timeout", "5s", "--concurrency", "8"]));
    world.origin.reply = () => ({ type: "answer", body: { token: "t-1" } });
  });
  afterAll(() => started.disposeAsync());

  const outputsTo = (name: string): object => {
    const token = name.endsWith(".each") ? ".responses[0].body.token" : ".response.body.token";
    return { outputs: [{ secret: { name }, data: { token } }] };
  };
  async function tokenIn(name: string): Promise<string | undefined> {
    const { body } = await plane.admin("GET", `/api/v1/namespaces/${world.namespace}/secrets/${name}`);
    const { data } = body as { readonly data?: { readonly token: string } };
    return data && Buffer.from(data.token, "base64").toString();
  }

  test("F35: refused in whatever way but for what it holds is kept, nothing is sent again, and it is written once that is over", async () => {
    const { origin, api, requests } = world;
    let refused = 0;
    api.answer = ({ method, path, body }) => {
      const [, way = ""] = (method === "POST" && path.includes("/secrets") && /"name":"([a-z-]+)\./.exec(body)) || [];
      refused += way in refusals ? 1 : 0;
      return refusals[way];
    };
    for (const name of names) {
      const spec = specs[name.split(".")[1] as keyof typeof specs];
      await requests.create(name, { url: `${origin.url}/${name}`, ...spec, ...outputsTo(name) });
    }
    await until("all have been sent", () => names.every((name) => origin.count(`/${name}`) > 0), longMs);
    await until("each has been refused several times", () => refused > 4 * names.length, longMs);
    expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(names.map((name) => [name, 1]));
    const told = await requests.until(
      "what a person can mend is told",
      (all) =>
        stateOf(all.get("quota.post")).endsWith("OutputForbidden") && stateOf(all.get("policy.put")).endsWith("OutputRefused"),
      longMs,
    );
    expect(JSON.stringify(told.get("quota.post")?.status?.conditions)).toContain("only the write is tried again");
    // Whoever waits for an output holds up nobody else: neither a worker nor a place at their origin.
    await requests.create("bystander", { url: `${origin.url}/bystander`, method: "POST" });
    await requests.until("another is Ready", (all) => isReady(all.get("bystander")), longMs);
    api.answer = () => undefined;
    const all = await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))), longMs);
    const ended = names.map(async (name) => [
      name,
      origin.count(`/${name}`),
      all.get(name)?.status?.attempt?.tries,
      await tokenIn(name),
    ]);
    expect(await Promise.all(ended)).toEqual(names.map((name) => [name, 1, 1, "t-1"]));
  }, 300_000);

  test("F35: refused by an admission policy is kept, whatever is done, until the policy or the spec is another", async () => {
    const { origin, requests, namespace } = world;
    const policy = `outputs-${namespace}`;
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["secrets"] } as const;
    await plane.apply(policyManifest(policy, { namespace, rule, expression: "false" }));
    const probe = { apiVersion: "v1", kind: "Secret", metadata: { name: "probe" } };
    const path = `/api/v1/namespaces/${namespace}/secrets?dryRun=All`;
    await until("the policy holds", async () => (await plane.admin("POST", path, probe)).status === 422, longMs);
    for (const name of ["kept", "given-up"])
      await requests.create(name, { url: `${origin.url}/${name}`, method: "POST", ...outputsTo(name) });
    const isTold = (state: string): boolean => state.endsWith("OutputRefused");
    await requests.until("both say so", (all) => ["kept", "given-up"].every((name) => isTold(stateOf(all.get(name)))), longMs);
    await requests.change("given-up", { outputs: [] });
    await requests.until(
      "the one that is declared otherwise ends",
      (all) => all.get("given-up")?.status?.attempt?.phase === "Done",
      longMs,
    );
    await plane.kubectl("delete", "validatingadmissionpolicybinding", policy);
    await requests.until("the other is Ready", (all) => isReady(all.get("kept")), longMs);
    expect([origin.count("/kept"), await tokenIn("kept"), origin.count("/given-up")]).toEqual([1, "t-1", 1]);
  }, 300_000);
});
