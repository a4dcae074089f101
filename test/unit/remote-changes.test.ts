/** What has come about with a remote object, as metrics count it, and as an event tells it. */
import { describe, expect, test } from "@jest/globals";
import { ready, reconciling, conditions, type ConditionState } from "../../src/core/conditions.ts";
import { deriveRemoteChanges } from "../../src/core/remote-changes.ts";
import { deriveTransitionEvent } from "../../src/core/transition-event.ts";
import { notHeld } from "../../src/kinds/http-resource/conditions.ts";
import { createEmit } from "../../src/telemetry/emit.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";

const known = { externalID: "7", lastHandledExternalID: "7" };

describe("an id that is another one", () => {
  test.each<[string, object, object, string[]]>([
    ["is a person's, who names it", known, { externalID: "8", lastHandledExternalID: "8" }, ["person"]],
    ["is an update's, whose answer gives it", known, { ...known, externalID: "8", formerExternalID: "7" }, ["update"]],
    ["is an observation's, that shows it", known, { ...known, externalID: "8" }, ["observation"]],
    ["is one's that turned out to be none", { externalID: "8", formerExternalID: "7" }, { externalID: "7" }, ["observation"]],
    ["is none where it is the same", known, known, []],
    ["is none where there was none, or is none any more", {}, known, []],
    ["is none where it is forgotten", known, {}, []],
  ])("%s", (_, before, after, by) => {
    expect(deriveRemoteChanges(before, after)).toEqual(by.map((one) => ({ type: "identityChanged", by: one })));
  });
});

test("a replacement is counted when it has begun, and when the object has been deleted for it", () => {
  expect(deriveRemoteChanges(known, { ...known, replacing: true })).toEqual([{ type: "replacement", result: "begun" }]);
  expect(deriveRemoteChanges({ ...known, replacing: true }, {})).toEqual([{ type: "replacement", result: "deleted" }]);
  expect(deriveRemoteChanges({ replacing: true }, { replacing: true })).toEqual([]);
  expect(deriveRemoteChanges(undefined, known)).toEqual([]);
});

test("both are at zero from the start, and counted and logged as they come about", async () => {
  const metrics = createMetrics({ kinds: ["HTTPResource"], concurrency: 1 });
  const logged: string[] = [];
  const emit = createEmit({ wants: () => true, write: (_level, message) => void logged.push(message) }, metrics);
  expect(await metrics.registry.metrics()).toContain('holdfast_replacements_total{result="deleted"} 0');
  emit({ type: "identityChanged", by: "update" });
  emit({ type: "replacement", result: "begun" });
  const text = await metrics.registry.metrics();
  expect(text).toContain('holdfast_identity_changes_total{by="update"} 1');
  expect(text).toContain('holdfast_identity_changes_total{by="person"} 0');
  expect(text).toContain('holdfast_replacements_total{result="begun"} 1');
  expect(logged).toHaveLength(2);
});

describe("an event tells", () => {
  const status = (states: readonly ConditionState[], more: object = {}) => ({
    conditions: conditions(states, [], 1, "2026-11-22T10:00:00Z"),
    ...more,
  });
  const isReady = status(ready("AsDeclared", ""));
  const replacing = status(reconciling("Replacing", "why"));
  const contested = status([
    { type: "Ready", status: "False", reason: "NotHeld", message: "places" },
    { type: "Contested", status: "True", reason: "NotHeld", message: "places" },
  ]);
  const at = (address: string) => status(ready("Created", "made"), { address });
  test.each<[string, object, object, string | undefined]>([
    ["that it is replaced", isReady, replacing, "Normal Replacing why"],
    ["of a replacement once", replacing, replacing, undefined],
    ["that it has been replaced", replacing, status(ready("Created", "made")), "Normal Replaced made"],
    [
      "of corrections that do not hold, whatever was before",
      status(reconciling("Timeout", "")),
      contested,
      "Warning NotHeld places",
    ],
    ["of them once", contested, contested, undefined],
    ["nothing of an address that is the same", at("a"), at("a"), undefined],
    ["nothing of the first address", status(ready("Created", "made")), at("a"), undefined],
  ])("%s", (_, before, after, told) => {
    const event = deriveTransitionEvent(before, after);
    expect(event && `${event.type} ${event.reason} ${event.message}`).toBe(told);
  });
  test("that what was there before is left, where it is elsewhere now", () => {
    expect(deriveTransitionEvent(at("a"), at("b"))).toMatchObject({
      type: "Normal",
      reason: "Moved",
      message: expect.stringContaining("Declare spec.externalID"),
    });
  });
});

test("what is not held is told with what its declaration can say of it", () => {
  const messageOf = (spec: object): string => notHeld([], spec, 3)[0]?.message ?? "";
  expect(messageOf({})).toMatch(/spec\.compare.*spec\.ignore/);
  expect(messageOf({ upToDate: "true" })).toContain("let spec.upToDate ask for less");
  expect(messageOf({ upToDate: "true" })).not.toMatch(/spec\.(compare|ignore)/);
});
