/** Events, as the API server has them: one on a transition, none when nothing changed, and nobody fails for want of one. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { faultWorld, until, type FaultWorld } from "../support/fault-world.ts";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import type { Reply } from "../support/fault-origin.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";

interface ToldEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly reportingController: string;
}

describeWithControlPlane("events", (plane) => {
  let world: FaultWorld;
  let controller: HoldfastProcess;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    world = stack.use(await faultWorld(plane, "events"));
    controller = stack.use(await world.start());
  });
  afterAll(() => stack.disposeAsync());

  async function eventsOf(name: string): Promise<readonly ToldEvent[]> {
    const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${world.namespace}/events`);
    return (body as { items: ToldEvent[] }).items.filter(({ regarding }) => regarding.name === name);
  }
  let run = 0;
  /** Runs it again, with this answer of the origin's, and waits until that is recorded. */
  async function again(name: string, reply: Reply): Promise<void> {
    world.origin.reply = () => reply;
    run += 1;
    await world.requests.annotate(name, { "holdfast.dev/reconcile-at": String(run) });
    const handled = String(run);
    await world.requests.until("it has run again", (all) => {
      const status = all.get(name)?.status;
      return status?.lastHandledReconcileAt === handled && status.attempt?.phase === "Done";
    });
  }
  /** Those of an object, once there are so many: they come after the status. What is one too many is found by the next look. */
  async function told(name: string, count: number): Promise<readonly ToldEvent[]> {
    await until(`${count} events tell of ${name}`, async () => (await eventsOf(name)).length >= count);
    await sleep(300);
    return eventsOf(name);
  }
  const summary = (events: readonly ToldEvent[]): readonly string[] => events.map(({ type, reason }) => `${type} ${reason}`);
  const broken: Reply = { type: "answer", status: 400, body: { leak: "what-the-server-said" } };

  test("a first success tells nothing, a failure one event however often it repeats, a recovery one more", async () => {
    const { requests, origin } = world;
    const headers = [{ name: "Authorization", value: "Bearer canary-${ .inputs.token }" }];
    await plane.admin("POST", `/api/v1/namespaces/${world.namespace}/secrets`, {
      metadata: { name: "hook" },
      stringData: { token: "s3cr3t" },
    });
    const inputs = { token: { secretKeyRef: { name: "hook", key: "token" } } };
    await requests.create("told", { url: `${origin.url}/told`, method: "POST", headers, inputs });
    await requests.until("it is ready", (all) => isReady(all.get("told")));
    await again("told", { type: "answer" });
    expect(await told("told", 0)).toEqual([]);
    await again("told", broken);
    const [first] = await told("told", 1);
    const { uid } = (await requests.all()).get("told")?.metadata ?? {};
    expect(first).toMatchObject({ type: "Warning", regarding: { kind: "HTTPRequest", name: "told", uid } });
    expect(first?.reportingController).toBe("holdfast.dev/controller");
    await again("told", broken);
    await again("told", broken);
    expect(await told("told", 1)).toHaveLength(1);
    await again("told", { type: "answer" });
    await again("told", { type: "answer" });
    const events = await told("told", 2);
    expect(summary(events).toSorted()).toEqual(["Normal Succeeded", `Warning ${first?.reason}`]);
    expect(JSON.stringify(events)).not.toMatch(/canary|s3cr3t|what-the-server-said/);
    const { stdout } = await plane.kubectl("-n", world.namespace, "describe", "hreq", "told");
    expect(stdout).toContain(`Warning  ${first?.reason}`);
  });

  test("an outcome that is not known is told, with what to do about it", async () => {
    const { requests, origin } = world;
    origin.reply = () => ({ type: "reset" });
    await requests.create("lost", { url: `${origin.url}/lost`, method: "POST" });
    await requests.until("it is unknown", (all) => stateOf(all.get("lost")) === "Stalled/OutcomeUnknown");
    const events = await told("lost", 1);
    expect(summary(events)).toEqual(["Warning OutcomeUnknown"]);
    expect(events[0]?.note).toContain("onUnknown: Resend");
  });

  test("one that is refused holds up nothing and fails nothing", async () => {
    const { requests, origin, api } = world;
    origin.reply = () => broken;
    api.answer = ({ method, path }) => (method === "POST" && path.includes("/events") ? { status: 403, body: "{}" } : undefined);
    await requests.create("mute", { url: `${origin.url}/mute`, method: "POST" });
    await requests.until("it is stalled", (all) => stateOf(all.get("mute")).startsWith("Stalled/"));
    await controller.logged(({ message, level }) => message === "an event could not be written" && level === "warn");
    expect(await controller.metric('controller_runtime_reconcile_errors_total{controller="httprequest"}')).toBe(0);
    expect(await eventsOf("mute")).toEqual([]);
  });
});
