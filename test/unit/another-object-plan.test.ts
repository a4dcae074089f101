/** An object that is found under another id, or named by a person, is another one: nothing has been delivered to it yet. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import { answer, created, differs, drive, hour, resource, same, user, values, withLookup } from "../support/resource-plan.ts";

const held = ["holdfast.dev/release"];
/** Its update sends what cannot be compared. */
const opaque = (base: object) => ({ ...base, update: { ...user.update, body: { text: "${ .parameters.age }" } } });
function known(written: object): HTTPResourceStatus {
  const { status } = created(written);
  expect(status?.delivered).toBeDefined();
  return { ...status, seen: true };
}
const partial = { type: "values", values: [], isPartial: true } as const;

describe("what was delivered", () => {
  test("to the object that a person names was not: it is sent to, once", () => {
    const written = opaque(user);
    const status = known(written);
    expect(drive(resource(written, { status, finalizers: held }), [answer(200), partial], hour).sent).toHaveLength(1);
    const annotations = { "holdfast.dev/external-id": "8" };
    const object = resource(written, { status, annotations, finalizers: held });
    const { sent, status: after } = drive(object, [answer(200), partial, answer(200)], hour);
    expect(sent).toEqual(["GET users/${ .externalID }", "PUT users/${ .externalID }"]);
    expect(after.externalID).toBe("8");
    const again = drive(resource(written, { status: after, annotations, finalizers: held }), [answer(200), partial], hour);
    expect(again.sent).toHaveLength(1);
  });

  test("to the object that is known stays known where there is none with the id that a person names", () => {
    const written = opaque(user);
    const status = known(written);
    const annotations = { "holdfast.dev/external-id": "8" };
    const { status: after, state } = drive(resource(written, { status, annotations, finalizers: held }), [answer(404)], hour);
    expect([state, after.delivered]).toEqual(["False/ImportNotFound Stalled", status.delivered]);
  });

  test("to what was remade under another id, and is looked up, was not either", () => {
    const written = opaque(withLookup);
    const status = { ...known(opaque(user)) };
    const object = resource(written, { status, finalizers: held });
    const found = [answer(404), answer(200), values(["9"], null), answer(200), partial, answer(200)];
    const { sent, status: after } = drive(object, found, hour);
    expect(sent).toEqual(["GET users/${ .externalID }", "GET users", "GET users/${ .externalID }", "PUT users/${ .externalID }"]);
    expect(after.externalID).toBe("9");
  });

  test("by a merge patch is taken away from that object alone", () => {
    const patched = { ...withLookup, update: { url: user.update.url, body: { mergePatch: { age: "${ .parameters.age }" } } } };
    const status = { ...known(user), delivered: { spec: "x", fields: [".old"] } };
    const object = resource(patched, { status, finalizers: held });
    const own = drive(object, [answer(200), same, answer(200)], hour);
    expect(formerOf(own.steps)).toEqual([[".old"], [".old"]]);
    const lookedUp = [answer(404), answer(200), values(["9"], null), answer(200), differs(".age"), answer(200)];
    const other = drive(object, lookedUp, hour);
    expect(formerOf(other.steps)).toEqual([undefined, undefined]);
  });
});

/** Of the body that is compared, and of the one that is sent. */
function formerOf(steps: ReturnType<typeof drive>["steps"]): readonly unknown[] {
  return steps.flatMap((step): unknown[] => {
    if (step.type === "evaluate" && "compare" in step.evaluation)
      return [(step.evaluation.compare as { former?: unknown }).former];
    if (step.type !== "exchange" || step.exchange.request.method !== "PATCH") return [];
    return [(step.exchange.request.body as { former?: unknown }).former];
  });
}
