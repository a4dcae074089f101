/** What is told of a served object that rests: whose its status is stays known. */
import { expect, test } from "@jest/globals";
import { createTelling, type TellingDeps } from "../../src/cli/serve/telling.ts";
import type { Resource, ResourceType } from "../../src/core/resource.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { conditionOf } from "../../src/serve/served-object.ts";
import { markIn, statusMark, withMark } from "../../src/serve/serving.ts";

const { signal } = new AbortController();
const [, , , type] = managedTypes;
const paused = [{ type: "Synced", status: "False", reason: "ReconcilePaused" }] as const;

/** Whether the status that is written is known for our own, where it was so before or not. */
async function isOurs(mark: (status: object) => string): Promise<boolean> {
  if (!type) throw new Error("no type");
  const message = (status: object): string => withMark("by HTTPRequest here/one", mark(status));
  const before = { synced: true };
  const status = { ...before, conditions: [{ type: "Served", status: "True", reason: "Exactly", message: message(before) }] };
  const metadata = { namespace: "here", name: "one", uid: "u0", generation: 1, resourceVersion: "1" };
  let written: object = {};
  const telling = createTelling({
    writes: {
      status: (_type: ResourceType, resource: Resource, next: object) =>
        Promise.resolve({ ...resource, status: (written = next) }),
    },
    learn: () => {},
    now: () => new Date(0),
  } as unknown as TellingDeps);
  await telling.resting({ type, resource: { metadata, spec: {}, status } }, paused, signal);
  expect(conditionOf(written, "Synced")).toMatchObject({ reason: "ReconcilePaused" });
  const served = conditionOf(written, "Served");
  return served !== undefined && markIn(served) === statusMark(written);
}

test("a pause makes no status of another our own, and takes ours away from nobody", async () => {
  expect(await isOurs(() => "of-a-status-before")).toBe(false);
  expect(await isOurs(statusMark)).toBe(true);
});
