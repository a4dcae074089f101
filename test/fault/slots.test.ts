/**
 * Replicas that share slots, on an API server with sharded lists and watches and on one without: whatever happens to them, every
 * request is sent once, and every slot finds somebody. The origin counts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { slotOf } from "../../src/core/slots.ts";
import { grantController } from "../support/chart-rights.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { startFleet, type Fleet } from "../support/fleet.ts";
import { installCRDs } from "../support/install.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const slots = 4;
const gates = [
  ["with sharded lists and watches", ["--feature-gates=ShardedListAndWatch=true"]],
  ["without them", []],
] as const;

interface EndpointObject {
  readonly metadata: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

describeWithControlPlane("slots", () => {
  describe.each(gates)("on an API server %s", (_name, apiServerArgs) => {
    let plane: ControlPlane;
    let fleet: Fleet;
    let origin: FaultOrigin;
    let names: readonly string[];
    let namespaces: readonly DeclaredRequests[];
    const stack = new AsyncDisposableStack();
    beforeAll(async () => {
      plane = stack.use(await startControlPlane({ apiServerArgs }));
      await installCRDs(plane);
      await grantController(plane);
      origin = stack.use(await startFaultOrigin());
      fleet = stack.use(startFleet(plane, "default", ["--slots", String(slots)]));
      names = await namespacesOfAll();
      namespaces = names.map((namespace) => declaredRequests(plane, namespace));
    });
    afterEach(async () => {
      origin.reply = () => ({ type: "answer" });
      await fleet.killAll();
    });
    afterAll(() => stack.disposeAsync());

    /** Two of each slot. */
    async function namespacesOfAll(): Promise<readonly string[]> {
      const found = new Map<string, number>();
      while (found.size < 2 * slots) {
        const namespace = await plane.createNamespace("of");
        const slot = slotOf(namespace, slots);
        if ([...found.values()].filter((one) => one === slot).length < 2) found.set(namespace, slot);
      }
      return [...found.keys()];
    }
    /** So many in all, to and fro between the namespaces. Undefined pace: at once. */
    async function declare(count: number, prefix: string, spec: object = {}): Promise<void> {
      for (let nth = 0; nth < count; nth += 1) {
        const name = `${prefix}-${nth}`;
        await namespaces[nth % namespaces.length]?.create(name, { url: `${origin.url}/${name}`, method: "POST", ...spec });
      }
    }
    async function untilAll(prefix: string, count: number, isSo: typeof isReady = isReady): Promise<void> {
      const states = new Map<string, number>();
      await until(
        `all of ${prefix}`,
        async () => {
          const all = await Promise.all(namespaces.map((one) => one.all()));
          const own = all.flatMap((one) => [...one.values()]).filter(({ metadata }) => metadata.name.startsWith(`${prefix}-`));
          states.clear();
          for (const one of own) {
            const state = `${stateOf(one)} ${one.status?.attempt?.phase} ${one.status?.nextRunAt ?? ""}`;
            states.set(state, (states.get(state) ?? 0) + 1);
          }
          return own.length === count && own.every(isSo);
        },
        150_000,
      ).catch((cause: unknown) => {
        throw new Error(JSON.stringify([...states]), { cause });
      });
    }
    async function must(status: number, method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<unknown> {
      const answer = await plane.admin(method, path, body);
      expect([path, answer.status]).toEqual([path, status]);
      return answer.body;
    }
    const pathsOf = (prefix: string): readonly string[] =>
      origin.requests.map(({ path }) => path).filter((path) => path.startsWith(`/${prefix}-`));

    test("through joins, leavings and a lease that is deleted, 500 POSTs are 500", async () => {
      const first = await fleet.start();
      await fleet.untilShared(slots, 1);
      const declaring = declare(500, "calm");
      const others = [await fleet.start(), await fleet.start()];
      await fleet.untilShared(slots, 3);
      await plane.admin("DELETE", fleet.leasePath("fleet-slot-2-of-4"));
      first.kill("SIGTERM");
      expect(await first.exited).toBe(0);
      await fleet.untilShared(slots, 2);
      await declaring;
      await untilAll("calm", 500);
      expect(pathsOf("calm")).toHaveLength(500);
      expect(new Set(pathsOf("calm")).size).toBe(500);
      // The first may have sent all of that before it left.
      await declare(16, "rest");
      await untilAll("rest", 16);
      const reconciled = others.map(({ log }) => log.filter(({ message }) => message === "exchanged").length);
      expect(Math.min(...reconciled)).toBeGreaterThan(0);
      for (const other of others) other.kill("SIGTERM");
      for (const other of others) expect(await other.exited).toBe(0);
    });

    test("through kills and a suspension that outlasts the leases, each keyed POST has one effect, and no other is sent twice", async () => {
      const [killed, suspended, third] = [await fleet.start(), await fleet.start(), await fleet.start()];
      await fleet.untilShared(slots, 3);
      const declaring = Promise.all([
        declare(200, "keyed", { idempotencyKey: { header: "Idempotency-Key" }, retry: { limit: 5 } }),
        declare(100, "rough"),
      ]);
      suspended.kill("SIGSTOP");
      killed.kill("SIGKILL");
      const fourth = await fleet.start();
      await fleet.untilShared(slots, 2);
      suspended.kill("SIGCONT");
      await fleet.untilShared(slots, 3);
      await declaring;
      await untilAll("keyed", 200);
      await untilAll("rough", 100, (one) => isReady(one) || stateOf(one) === "Stalled/OutcomeUnknown");
      expect(pathsOf("keyed").filter((path) => origin.effects(path) !== 1)).toEqual([]);
      expect(new Set(pathsOf("keyed")).size).toBe(200);
      expect(pathsOf("rough").filter((path) => origin.count(path) !== 1)).toEqual([]);
      for (const one of [suspended, third, fourth]) one.kill("SIGTERM");
      for (const one of [suspended, third, fourth]) expect(await one.exited).toBe(0);
    });

    test("an endpoint of the cluster stays for those of every slot that need it to delete what they have made", async () => {
      const there = new Set<string>();
      origin.reply = ({ method, path }) => {
        if (method === "PUT") there.add(path);
        if (method === "DELETE") there.delete(path);
        return { type: "answer", status: method === "GET" && !there.has(path) ? 404 : 200 };
      };
      await fleet.start();
      await fleet.start();
      await fleet.untilShared(slots, 2);
      const endpoint = { kind: "ClusterHTTPEndpoint", name: "of-all" };
      const group = "/apis/holdfast.dev/v1alpha1";
      const endpointPath = `${group}/clusterhttpendpoints/${endpoint.name}`;
      const made = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "kept" } };
      await must(201, "POST", `${group}/clusterhttpendpoints`, {
        ...made,
        kind: endpoint.kind,
        metadata: { name: endpoint.name },
        spec: { baseURL: origin.url, allowedNamespaces: { from: "All" } },
      });
      const objects = names.map((namespace, nth) => {
        const path = { path: `/kept-${nth}` };
        const spec = { endpointRef: endpoint, observe: path, create: { ...path, method: "PUT" }, delete: path, interval: "2s" };
        return { path: `${group}/namespaces/${namespace}/httpresources`, object: { ...made, spec } };
      });
      for (const { path, object } of objects) await must(201, "POST", path, object);
      await until("all are there", () => there.size === objects.length, 60_000);
      await must(200, "DELETE", endpointPath);
      for (const { path } of objects) {
        const { metadata, status } = (await must(200, "GET", endpointPath)) as EndpointObject;
        expect(metadata.finalizers).toEqual(["holdfast.dev/in-use"]);
        await must(200, "DELETE", `${path}/kept`);
        await until("it is gone", async () => (await plane.admin("GET", `${path}/kept`)).status === 404, 60_000);
        expect(status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "True").toBe("True");
      }
      await until("the endpoint is gone", async () => (await plane.admin("GET", endpointPath)).status === 404, 90_000);
      expect([...there]).toEqual([]);
    }, 240_000);

    test("with another number of slots nothing acts before the last of the old ones has gone; then all is taken over", async () => {
      const [one, other] = [await fleet.start(), await fleet.start()];
      await fleet.untilShared(slots, 2);
      const declaring = declare(120, "changed");
      const [next, whole] = [await fleet.start(["--slots", "2"]), await fleet.start(["--slots", "1"])];
      for (const late of [next, whole])
        await late.logged(({ message, holder }) => message === "standing by" && holder === "slots-of-4", 60_000);
      one.kill("SIGTERM");
      expect(await one.exited).toBe(0);
      await fleet.untilShared(slots, 1);
      const sentBy = ({ log }: HoldfastProcess): number => log.filter(({ message }) => message === "exchanged").length;
      expect([sentBy(next), sentBy(whole)]).toEqual([0, 0]);
      whole.kill("SIGTERM");
      other.kill("SIGTERM");
      expect([await whole.exited, await other.exited]).toEqual([0, 0]);
      await declaring;
      await fleet.untilShared(2, 1);
      await untilAll("changed", 120);
      expect(pathsOf("changed")).toHaveLength(120);
      // The others may have sent all of that before they left.
      await declare(16, "after");
      await untilAll("after", 16);
      expect(pathsOf("after")).toHaveLength(16);
      expect(sentBy(next)).toBeGreaterThan(0);
      next.kill("SIGTERM");
      expect(await next.exited).toBe(0);
      const last = await fleet.start(["--slots", "1"]);
      await declare(8, "whole");
      await untilAll("whole", 8);
      expect([pathsOf("whole").length, sentBy(last)]).toEqual([8, 8]);
    });
  });
});
