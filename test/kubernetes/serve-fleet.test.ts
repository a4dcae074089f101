/**
 * A fleet of the peer's objects, served: made once each over the connections of one pool, and quiet at rest. `HOLDFAST_FLEET` is
 * how many there are.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { AuditEvent } from "../support/audit-log.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import { conditionText, listServed, memberRequest, servedPath, startServing } from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const count = Number(process.env["HOLDFAST_FLEET"] ?? 60);
const longMs = 600_000;
/** Of one client to one origin, by default. */
const mostOpen = 6;

describeWithControlPlane("serving a fleet", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  let controller: HoldfastProcess;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const posts = (): number => origin.requests.filter(({ method }) => method === "POST").length;
  const looks = (): number => origin.requests.filter(({ method }) => method === "GET").length;
  async function openSockets(): Promise<number> {
    const lines = (await controller.metrics()).split("\n").filter((line) => line.startsWith("holdfast_http_sockets{"));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }
  /** All writes in the namespace, by whomever. */
  async function written(): Promise<readonly string[]> {
    const isWrite = ({ verb, namespace: where }: AuditEvent): boolean =>
      where === namespace && ["create", "patch", "update", "delete"].includes(verb);
    return (await plane.auditEvents()).filter(isWrite).map(({ verb, uri }) => `${verb} ${uri}`);
  }

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-fleet");
    origin = stack.use(await peerOrigin());
    controller = stack.use(await startServing(plane, namespace));
  }, longMs);

  test(
    "each is made once, over no more connections at once than a pool has",
    async () => {
      const names = Array.from({ length: count }, (_, index) => `fleet-${index}`);
      const annotations = { "crossplane.io/poll-interval": "2s" };
      const manifest = (name: string): object => memberRequest({ name, namespace, origin: origin.url }, { annotations });
      for (let at = 0; at < names.length; at += 20)
        await Promise.all(
          names.slice(at, at + 20).map((name) => plane.admin("POST", servedPath("requests", namespace), manifest(name))),
        );
      const open: number[] = [];
      await until(
        "all are told of",
        async () => {
          open.push(await openSockets());
          const fleet = await listServed(plane, "requests", namespace);
          const isTold = fleet.filter(
            (one) => one.status?.requestDetails?.method === "GET" && conditionText(one, "Ready") === "True Available",
          );
          return isTold.length === count;
        },
        longMs,
      );
      expect(posts()).toBe(count);
      expect(Math.max(...open)).toBeLessThanOrEqual(mostOpen);
    },
    longMs,
  );

  test(
    "at rest each is looked at over connections that are there, and nothing is written",
    async () => {
      // Events of what was made a moment ago come one after another: it is at rest when nothing has been written for a look of each.
      let before = (await written()).length;
      for (let isQuiet = false; !isQuiet;) {
        const seen = looks();
        await until("all are looked at", () => looks() >= seen + 2 * count, longMs);
        const now = (await written()).length;
        isQuiet = now === before;
        before = now;
      }
      const [seen, sockets] = [looks(), origin.accepted];
      await until("all are looked at twice more", () => looks() >= seen + 2 * count, longMs);
      expect((await written()).slice(before)).toEqual([]);
      expect(posts()).toBe(count);
      expect(origin.accepted - sockets).toBeLessThan((looks() - seen) / 2);
      if (process.env["HOLDFAST_FLEET"] !== undefined)
        console.log(`${count} objects: ${posts()} POSTs, ${looks()} GETs, ${origin.accepted} connections`);
    },
    longMs,
  );
});
