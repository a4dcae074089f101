/** Attacks that are made of objects, on a real API server, with a controller to which nothing has been opened (docs/threat-model.md). */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { formAddresses } from "../support/address-forms.ts";
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { canMakeNamespaces, inOwnNetwork } from "../support/network-namespace.ts";

interface Ended {
  readonly state: string;
  readonly message: string;
}
interface Found extends Readonly<Record<string, unknown>> {
  readonly closed: readonly { readonly url: string; readonly message: string }[];
}

const isAble = canMakeNamespaces() && (await controlPlaneBinaries().then(Boolean, () => false));
if (!isAble) {
  if (process.env["CI"] === "true") throw new Error("CI must be able to make network namespaces and a control plane");
  console.warn("SKIPPED: attacks on a real API server, which need root, network namespaces and a control plane.");
}
const denied = (rule: string): Ended => ({
  state: "NotReady/EgressDenied",
  message: expect.stringContaining(`by the egress rule "${rule}"`) as unknown as string,
});
const ready = expect.objectContaining({ state: "Ready/Succeeded" });

(isAble ? describe : describe.skip)("a tenant", () => {
  let found: Found;
  beforeAll(async () => {
    found = (await inOwnNetwork(join(import.meta.dirname, "../support/egress-cluster.ts"), formAddresses)) as Found;
  });

  test("wish 14, attack 1: reaches neither metadata, nor loopback, nor the API server through the controller, whatever form the address has", () => {
    expect(found.closed.length).toBeGreaterThan(30);
    for (const { url, message } of found.closed) {
      expect({ url, message }).toEqual({ url, message: expect.stringContaining('by the egress rule "floor"') });
      // Where it would go is what its own URL says; what a name leads to is not told.
      const [told = "", place] = /^not sent to (\S+),/.exec(message) ?? [];
      if (place !== undefined) expect(place.startsWith(`${new URL(url).hostname}:`)).toBe(true);
      expect(message.slice(told.length)).not.toMatch(/169\.254|127\.0|a9fe/);
    }
    expect(found["reached"]).toEqual([]);
  });
  test("attack 2: has the controller's own token sent nowhere, least of all to the API server", () => {
    expect(found["public"]).toEqual(ready);
    expect(found["tokens"]).toEqual(["none"]);
    expect(found["apiServerSaw"]).toEqual([]);
  });
  test("attack 6: is led nowhere by a redirect, and is told nothing of what is there", () => {
    const refused = { state: "Stalled/EgressDenied", message: expect.stringContaining('by the egress rule "floor"') };
    expect(found["redirect"]).toEqual(refused);
    expect(found["redirectName"]).toEqual(refused);
    expect(found["leaked"]).toBe(false);
  });
  test("gains nothing by a name that changes its address", () => {
    expect(found["rebound"]).toEqual([ready, denied("floor")]);
    expect(found["metadataReached"]).toEqual([]);
  });
  test("is told of a denial by an event and its administrator by a metric", () => {
    expect(found["privateBefore"]).toEqual([denied("private"), denied("private")]);
    expect(found["events"]).toEqual([
      expect.stringMatching(/^Warning EgressDenied not sent to \S+, by the egress rule "private"/),
    ]);
    expect(found["metric"]).toBeGreaterThanOrEqual(2);
  });
  test("reaches a private address as soon as a policy lets its namespace, by the methods that it lists", () => {
    expect(found["privateAllowed"]).toEqual(ready);
    expect(found["privateOther"]).toBe("NotReady/EgressDenied");
    expect(found["privatePost"]).toEqual(denied("private"));
    expect(found["pooled"]).toEqual(ready);
    expect(found["privateConnections"]).toBe(1);
    expect(found["relabelled"]).toEqual(ready);
  });
  test("loses that with the policy, pooled sockets or not", () => {
    expect(found["withdrawn"]).toEqual({ state: "NotReady/EgressDenied", seen: 0 });
  });
  test("is held by a rule that denies before any that allows, and by the floor before both", () => {
    expect(found["denyWins"]).toMatchObject({
      message: expect.stringContaining('EgressPolicy "no-such-host" deny[0] denies it'),
    });
    expect(found["denyNetwork"]).toMatchObject({
      message: expect.stringContaining('EgressPolicy "no-such-host" deny[1] denies it'),
    });
    expect(found["floorStays"]).toEqual(denied("floor"));
  });
  test("reaches nothing but what is allowed where the default is Deny", () => {
    expect(found["strict"]).toEqual([denied("default"), ready]);
  });
  test("is held to the default where the controller watches its namespace only", () => {
    expect(found["scoped"]).toEqual([denied("private"), ready]);
    expect(found["warned"]).toBe(false);
  });
  test("reaches loopback where a test has opened it, which is told at start; and not even then the API server", () => {
    expect(found["opened"]).toEqual([ready, denied("floor")]);
    expect(found["warnedOfOpened"]).toBe(true);
  });
  test("is spared policies that mean nothing: they are refused at admission", () => {
    expect(found["admission"]).toEqual([422, 422, 422, 422]);
  });
});
