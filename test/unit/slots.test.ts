/** Which namespaces a slot has, and who is to have which slot. */
import { describe, expect, test } from "@jest/globals";
import type { EndpointTraits } from "../../src/core/connection.ts";
import { assignSlots, endpointOfSlot, shardSelector, slotOf } from "../../src/core/slots.ts";
import { fnv1a64 } from "../../src/core/tools/fnv.ts";
import { createSlotPolicies } from "../../src/cli/slot-policies.ts";
import type { EgressRules } from "../../src/core/egress.ts";
import type { EgressPolicies } from "../../src/kinds/egress/policies.ts";

// Which namespaces a slot has, and who is to have which slot.
describe("slots", () => {
  describe("the hash of a namespace", () => {
    // http://www.isthe.com/chongo/tech/comp/fnv/#FNV-test-vectors
    test.each([
      ["", 0xcbf29ce484222325n],
      ["a", 0xaf63dc4c8601ec8cn],
      ["foobar", 0x85944171f73967e8n],
      ["chongo was here!\n", 0x46810940eff5f915n],
    ])("of %j is FNV-1a's", (text, hash) => {
      expect(fnv1a64(text)).toBe(hash);
    });
  });

  describe("the ranges of slots", () => {
    test("of two meet in the middle, and end beyond the last hash", () => {
      const halves = [0, 1].map((index) => shardSelector({ index, count: 2 }));
      expect(halves).toEqual([
        "shardRange(object.metadata.namespace, '0x0000000000000000', '0x8000000000000000')",
        "shardRange(object.metadata.namespace, '0x8000000000000000', '0x10000000000000000')",
      ]);
    });
    test("a namespace is in the range of its slot, and in no other, however many there are", () => {
      const namespaces = Array.from({ length: 300 }, (_, index) => `${"team".repeat(index % 5)}-${index * 7919}`);
      for (const count of [1, 2, 3, 4, 7, 16, 64])
        for (const namespace of ["", ...namespaces]) {
          const inside = Array.from({ length: count }, (_, index) => index).filter((index) => {
            const [from = 0n, to = 0n] = (shardSelector({ index, count }).match(/0x[0-9a-f]+/g) ?? []).map(BigInt);
            return fnv1a64(namespace) >= from && fnv1a64(namespace) < to;
          });
          expect([namespace, count, inside]).toEqual([namespace, count, [slotOf(namespace, count)]]);
        }
    });
  });

  describe("who is to have a slot", () => {
    const free = (slots: number): undefined[] => Array.from({ length: slots }, () => undefined);

    test("nobody, where nobody is live", () => {
      expect(assignSlots(["a", undefined], [])).toEqual([undefined, undefined]);
    });
    test("all are shared evenly, and a dead one's go to the others", () => {
      expect(assignSlots(free(4), ["a"])).toEqual(["a", "a", "a", "a"]);
      expect(assignSlots(["a", "a", "a", "a"], ["a", "b"])).toEqual(["a", "a", "b", "b"]);
      expect(assignSlots(["a", "a", "b", "b"], ["b", "c"])).toEqual(["c", "c", "b", "b"]);
      expect(assignSlots(["a", "a", "a"], ["b", "a"])).toEqual(["a", "a", "b"]);
    });
    test("more replicas than slots leave some without one, and take none from the others", () => {
      expect(assignSlots(["c", "b"], ["a", "b", "c"])).toEqual(["c", "b"]);
    });
  });

  describe("the limits of an endpoint of the cluster", () => {
    const endpoint = (namespace: string): EndpointTraits => ({
      key: { namespace, name: "api" },
      credentialNamespace: "",
      title: "ClusterHTTPEndpoint api",
      maxInFlight: 10,
      rateLimit: { requests: 6, perMs: 60_000, burst: 6 },
    });
    test("are divided by the slots, each of which counts for itself", () => {
      const parts = [0, 1, 2, 3].map((index) => endpointOfSlot(endpoint(""), { index, count: 4 }));
      expect(new Set(parts.map(({ key }) => key.name)).size).toBe(4);
      for (const { maxInFlight, rateLimit } of parts) {
        expect(maxInFlight).toBe(2);
        expect(rateLimit).toEqual({ requests: 1, perMs: 40_000, burst: 1 }); // four of these are six in 60 s
      }
    });
    test("leave each slot one, however few there are; a rate stays what it is in all", () => {
      const { maxInFlight, rateLimit } = endpointOfSlot({ ...endpoint(""), maxInFlight: 1 }, { index: 0, count: 64 });
      expect([maxInFlight, rateLimit]).toEqual([1, { requests: 1, perMs: 640_000, burst: 1 }]);
    });
    test("of a namespace's own endpoint are whole: all who use it are in one slot", () => {
      expect(endpointOfSlot(endpoint("team-a"), { index: 1, count: 4 })).toEqual(endpoint("team-a"));
    });
  });
});

// Whose knowledge of egress policies holds, where each slot of a replica has its own.
describe("slot policies", () => {
  const known = (defaultName: string): EgressPolicies => {
    const rules: EgressRules = { default: "Deny", defaultName, allow: [], deny: [] };
    return { observe: () => {}, rulesFor: () => rules };
  };

  test("holds what the engine of the namespace's slot knows, else another's that has listed all, and never one's that has not", () => {
    const warm = new Set<number>();
    const policies = createSlotPolicies(
      (namespace) => Number(namespace),
      (slot) => warm.has(slot),
    );
    const says = (namespace: string): string | undefined => policies.rulesFor(namespace)?.defaultName;
    policies.begin(1, known("slot 1"));
    expect(says("1")).toBeUndefined(); // it has not listed all: that there is no policy is not known
    warm.add(1);
    expect([says("1"), says("0")]).toEqual(["slot 1", "slot 1"]); // the second is another replica's
    policies.begin(0, known("slot 0"));
    expect(says("0")).toBe("slot 1"); // its own is not warm yet
    warm.add(0);
    expect([says("0"), says("1")]).toEqual(["slot 0", "slot 1"]);
    warm.clear();
    expect(says("0")).toBe("slot 1"); // what ends after them goes by what was known last
  });
});
