/** Who waits for another is woken by what it reads of it, and by whether that is Ready; by nothing else that its status says. */
import { describe, expect, test } from "@jest/globals";
import type { Inputs } from "../../src/api/request.ts";
import type { Resource } from "../../src/core/resource.ts";
import { hasNewStatus } from "../../src/engine/changes.ts";
import { dependenciesOf } from "../../src/kinds/request/dependencies.ts";

const before = {
  observedGeneration: 1,
  externalID: "7",
  values: { host: "a", time: 1 },
  outputs: [{ name: "x" }],
  attempt: { id: "1" },
  conditions: [
    { type: "Ready", status: "True", reason: "Created", message: "m" },
    { type: "Drifted", status: "False", reason: "AsDeclared", message: "m" },
  ],
};
function resource(status: object | undefined): Resource {
  const metadata = { namespace: "n", name: "p", uid: "p", generation: 1, resourceVersion: "1" };
  return { metadata, spec: {}, ...(status && { status }) };
}
/** Whether who reads so of it is woken. */
function isWoken(expressions: readonly string[], status: object | undefined, isWaiting = false): boolean {
  const of = { kind: "HTTPResource", name: "p" } as const;
  const inputs: Inputs = Object.fromEntries(
    expressions.map((expression, index) => [`i${index}`, { objectRef: { ...of, expression } }]),
  );
  const spec = { inputs, ...(isWaiting && { dependsOn: [of] }) };
  const [dependency] = dependenciesOf({ ...resource({}), spec });
  if (!dependency?.onStatus) throw new Error("it waits for nothing");
  return hasNewStatus({ before: resource(before), after: resource(status) }, dependency.onStatus);
}
const ready = (status: string, reason = "Created") => ({
  ...before,
  conditions: [{ type: "Ready", status, reason, message: "other" }, ...before.conditions.slice(1)],
});

describe("a change of another's status", () => {
  const host = ".status.values.host";
  test.each<[string, readonly string[], object | undefined, boolean]>([
    ["of what is read", [host], { ...before, values: { host: "b", time: 1 } }, true],
    ["beside what is read", [host], { ...before, values: { host: "a", time: 2 } }, false],
    ["of an attempt or a message", [host, ".status.externalID"], { ...ready("True", "Updated"), attempt: { id: "2" } }, false],
    ["of one of two that are read", [host, ".status.externalID"], { ...before, externalID: "8" }, true],
    ["in that it is Ready no more", [host], ready("False"), true],
    ["in which spec it speaks of", [host], { ...before, observedGeneration: 2 }, true],
    ["that is gone", [host], undefined, true],
    ["of anything, where it cannot be told what is read", [".status | tojson"], { ...before, attempt: { id: "2" } }, true],
    ["beside a part that is piped on", [".status.outputs | length"], { ...before, attempt: { id: "2" } }, false],
    ["of a part that is piped on", [".status.outputs | length"], { ...before, outputs: [] }, true],
    [
      "of a condition, where conditions are read",
      ['.status.conditions[] | select(.type == "Drifted").status'],
      ready("True"),
      true,
    ],
    ["of a value whose name has a dot", ['.status.values["a.b"]'], { ...before, values: { "a.b": 1 } }, true],
  ])("%s", (_, expressions, status, woken) => {
    expect(isWoken(expressions, status)).toBe(woken);
  });

  test("wakes who reads nothing only where it is Ready or not", () => {
    expect(isWoken([], { ...before, externalID: "8", attempt: { id: "2" } }, true)).toBe(false);
    expect(isWoken([], ready("False"), true)).toBe(true);
  });
});
