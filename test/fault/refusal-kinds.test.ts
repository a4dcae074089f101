/** The ways in which an API server, or what stands in it, refuses a status: of each, what was sent is kept and nothing is sent again. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { refusal, type Answer } from "../support/api-interposer.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const specs = {
  put: { method: "PUT" },
  post: { method: "POST" },
  keyed: { method: "POST", idempotencyKey: {} },
  ticking: { method: "PUT", schedule: { every: "1h" } },
} as const;
const causes = [{ reason: "FieldValueInvalid", field: "status.attempt.phase", message: "Unsupported value" }];

/** By a name for the objects to which it happens. */
const refusals: Readonly<Record<string, Answer | "reset">> = {
  "proxy-too-large": { status: 413, body: "too large" },
  "older-crd": refusal(422, "Invalid", "is invalid", { causes }),
  "webhook-down": refusal(500, "InternalError", 'failed calling webhook "a.b.c": connection refused'),
  "webhook-denies": refusal(400, "BadRequest", 'admission webhook "a.b.c" denied the request'),
  quota: refusal(403, "Forbidden", "exceeded quota: objects"),
  "always-written": refusal(409, "Conflict", "the object has been modified"),
  "no-subresource": refusal(404, "NotFound", "the server could not find the requested resource"),
  "gateway-without-path": { status: 404, body: "<html>no such page</html>" },
  "no-such-method": refusal(405, "MethodNotAllowed", "the server does not allow this method"),
  "token-refused": refusal(401, "Unauthorized", "Unauthorized"),
  unreadable: { status: 200, headers: { "content-type": "application/json" }, body: "<html>" },
  "reply-lost": { status: 504, afterwards: true },
  reset: "reset",
};

describeWithControlPlane("an outcome", (plane) => {
  test("F10: refused in whatever way is kept, nothing is sent again, and it is written once that is over", async () => {
    await using world = await faultWorld(plane, "refusal");
    const { origin, api, requests } = world;
    await using controller = await world.start(["--reconcile-timeout", "5s", "--concurrency", "8"]);
    const names = Object.keys(refusals).flatMap((way) => Object.keys(specs).map((spec) => `${way}.${spec}`));
    api.answer = ({ method, path, body }) => {
      const [, way = ""] = /\/httprequests\/([^.]+)\.[^/]+\/status/.exec(path) ?? [];
      return method === "PATCH" && body.includes('"phase":"Done"') ? refusals[way] : undefined;
    };
    for (const name of names)
      await requests.create(name, { url: `${origin.url}/${name}`, ...specs[name.split(".")[1] as keyof typeof specs] });
    await until("all have been sent", () => names.every((name) => origin.count(`/${name}`) > 0), 60_000);
    await sleep(11_000); // more than two reconciles
    expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(names.map((name) => [name, 1]));
    await until("no worker waits", async () => (await controller.metric("controller_runtime_active_workers")) === 0);
    api.answer = () => undefined;
    const all = await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))), 120_000);
    const counted = names.map((name) => [name, origin.count(`/${name}`), all.get(name)?.status?.attempt?.tries]);
    expect(counted).toEqual(names.map((name) => [name, 1, 1]));
  }, 240_000);

  test("F16: without the right to write events, or to read Secrets, what needs neither goes on, and so does the rest once it has it", async () => {
    await using world = await faultWorld(plane, "rights");
    const { origin, api, requests } = world;
    await using _controller = await world.start();
    api.answer = ({ path }) => (/\/(events|secrets)\b/.test(path) ? refusal(403, "Forbidden", "forbidden") : undefined);
    const withSecret = {
      inputs: { a: { secretKeyRef: { name: "a", key: "a" } } },
      headers: [{ name: "x-a", value: "${ .inputs.a }" }],
    };
    await requests.create("plain", { url: `${origin.url}/plain`, method: "POST" });
    await requests.create("failing", { url: "http://127.0.0.1:1/", retry: { limit: 0 } });
    await requests.create("secret", { url: `${origin.url}/secret`, method: "POST", ...withSecret });
    await requests.until("the first is Ready", (all) => isReady(all.get("plain")));
    const path = `/api/v1/namespaces/${world.namespace}/secrets`;
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, stringData: { a: "a-value" } };
    expect((await plane.admin("POST", path, secret)).status).toBe(201);
    await requests.until("the other says what is missing", (all) =>
      JSON.stringify(all.get("secret")?.status?.conditions ?? []).includes("ReferenceForbidden"),
    );
    expect(origin.count("/secret")).toBe(0);
    api.answer = () => undefined;
    await requests.until("it is Ready", (all) => isReady(all.get("secret")), 90_000);
    expect([origin.count("/plain"), origin.count("/secret")]).toEqual([1, 1]);
  });
});
