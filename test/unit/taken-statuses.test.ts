/** Which changes take a status away from an object that stays, and which are writes of our own. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { createTakenStatuses } from "../../src/engine/taken-statuses.ts";

const metadata = { namespace: "n", name: "a", uid: "u", generation: 1, resourceVersion: "1" };
const inFlight: Resource = { metadata, spec: {}, status: { attempt: { id: "i", phase: "InFlight" }, observedGeneration: 1 } };

test.each([
  ["no status", undefined],
  ["an empty one", {}],
  ["others' fields only", { conditions: [] }],
])("a status is taken away by a change to %s", (_, status) => {
  const taken = createTakenStatuses();
  const after: Resource = { metadata, spec: {}, ...(status && { status }) };
  expect(taken.note("a", { before: inFlight, after })).toBe(true);
  expect(taken.of("a", after)).toEqual(inFlight.status);
});

test("a request that was refused after its intent has taken nothing away, whether its reply or the watch tells of it first", () => {
  const taken = createTakenStatuses();
  const refused: Resource = { metadata, spec: {}, status: { observedGeneration: 1, conditions: [] } };
  expect(taken.note("a", { before: inFlight, after: refused })).toBe(false);
  expect(taken.of("a", refused)).toBeUndefined();
});
