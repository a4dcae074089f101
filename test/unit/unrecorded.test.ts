/** What came of requests and cannot be written: kept, bounded, and given up only where it is another's. */
import { expect, test } from "@jest/globals";
import { StatusTooLargeError, type WriteResult } from "../../src/core/ports.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import type { TransitionEvent } from "../../src/core/transition-event.ts";
import type { Resource } from "../../src/core/resource.ts";
import { createUnrecordedOutcomes, type SentOutcome } from "../../src/engine/unrecorded.ts";
import { thing, type, until } from "../support/memory-store.ts";

const never = new AbortController().signal;
const refuse = (): Promise<WriteResult> => Promise.reject(new Error("was answered 403"));

function outcomeOf(resource: Resource, more: Partial<SentOutcome> = {}): SentOutcome {
  const written: WriteResult = { type: "written", resource };
  return {
    type,
    resource,
    status: { attempt: { id: "i", phase: "Done", tries: 1 } },
    write: () => Promise.resolve(written),
    isGone: () => Promise.resolve(false),
    mayRecord: () => "yes",
    ...more,
  };
}
function inNamespace(namespace: string, name: string): Resource {
  const one = thing(name);
  return { ...one, metadata: { ...one.metadata, namespace } };
}
function kept(maxBytes?: number) {
  const told: Extract<TelemetryEvent, { type: "note" }>[] = [];
  const announced: TransitionEvent[] = [];
  const unrecorded = createUnrecordedOutcomes({
    emit: (event) => void (event.type === "note" && told.push(event)),
    announce: (_type, _resource, event) => void announced.push(event),
    ...(maxBytes !== undefined && { maxBytes }),
  });
  return { unrecorded, told, announced };
}

test.concurrent(
  "nothing more is sent for a namespace that has taken its quarter, and for no other; until there is room",
  async () => {
    const { unrecorded } = kept(4_000);
    let isRefused = true;
    const status = { text: "x".repeat(600) };
    const records = ["a", "b"].map((name) => {
      const resource = inNamespace("full", name);
      const write = (): Promise<WriteResult> => (isRefused ? refuse() : Promise.resolve({ type: "written", resource }));
      return unrecorded.record(outcomeOf(resource, { status, write }), never);
    });
    await until(() => unrecorded.failing().count === 2);
    const room = unrecorded.untilRoom("full");
    expect([room !== undefined, unrecorded.untilRoom("other")]).toEqual([true, undefined]);
    isRefused = false;
    await Promise.all(records);
    await room;
    expect([unrecorded.untilRoom("full"), unrecorded.failing()]).toEqual([undefined, { count: 0, oldestSecs: 0 }]);
  },
);

test.concurrent(
  "one whose object's name another object has is given up; of one that is not watched any more it is asked first",
  async () => {
    const { unrecorded } = kept();
    const replaced = unrecorded.record(outcomeOf(thing("replaced"), { write: refuse }), never);
    let isGone = false;
    let asked = 0;
    const hidden = thing("hidden");
    const relabelled = unrecorded.record(
      outcomeOf(hidden, { write: refuse, isGone: () => ((asked += 1), Promise.resolve(isGone)) }),
      never,
    );
    await until(() => unrecorded.failing().count === 2);
    unrecorded.noteChange("Thing/n/replaced", "another");
    expect(await replaced).toEqual({ type: "conflict" });
    unrecorded.noteChange("Thing/n/hidden", undefined);
    await until(() => asked === 1);
    expect(unrecorded.failing().count).toBe(1);
    isGone = true;
    unrecorded.noteChange("Thing/n/hidden", undefined);
    expect(await relabelled).toEqual({ type: "conflict" });
  },
);

test.concurrent(
  "one that has no room in its object is written without what nobody decides by, and told of in an event",
  async () => {
    const { unrecorded, announced } = kept();
    const written: object[] = [];
    const resource = thing("large");
    const status = { attempt: { id: "i", phase: "Done" }, response: { body: "x" }, history: [1], items: [1], externalID: "7" };
    const write = (part: object): Promise<WriteResult> => {
      written.push(part);
      return written.length === 1
        ? Promise.reject(new StatusTooLargeError("no"))
        : Promise.resolve({ type: "written", resource });
    };
    await unrecorded.record(outcomeOf(resource, { status, write }), never);
    expect(written).toEqual([status, { attempt: status.attempt, externalID: "7" }]);
    expect(announced.map(({ reason }) => reason)).toEqual(["StatusTooLarge"]);
  },
);

test.concurrent("what waits while nobody leads is written once this process does, and left to another who has led", async () => {
  const { unrecorded } = kept();
  let writes = 0;
  let may: "yes" | "wait" | "no" = "wait";
  const resource = thing("a");
  const write = (): Promise<WriteResult> => ((writes += 1), Promise.resolve({ type: "written", resource }));
  const own = unrecorded.record(outcomeOf(resource, { write, mayRecord: () => may }), never);
  await until(() => unrecorded.failing().count === 1);
  expect(writes).toBe(0);
  may = "yes";
  expect(await own).toEqual({ type: "written", resource });
  expect(await unrecorded.record(outcomeOf(resource, { write, mayRecord: () => "no" }), never)).toEqual({ type: "conflict" });
  expect(writes).toBe(1);
});

test.concurrent("at the end of the process each is said with its object, attempt and command", async () => {
  const { unrecorded, told } = kept();
  const drain = new AbortController();
  const ended = unrecorded.record(outcomeOf(thing("a"), { write: refuse }), drain.signal);
  await until(() => unrecorded.failing().count === 1);
  drain.abort(new Error("the process ends"));
  await expect(ended).rejects.toThrow("the process ends");
  const { level, fields = {} } = told.at(-1) ?? {};
  expect([level, fields["kind"], fields["name"], fields["uid"], fields["attemptId"]]).toEqual(["error", "Thing", "a", "a", "i"]);
  expect(fields["command"]).toContain("kubectl patch things.g a --namespace=n --subresource=status --type=json -p '");
});
