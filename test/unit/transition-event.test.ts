/** Which changes of a status are worth an event. */
import { expect, test } from "@jest/globals";
import { deriveTransitionEvent } from "../../src/core/transition-event.ts";
import { conditions, ready, reconciling, stalled, type ConditionState } from "../../src/core/conditions.ts";

function status(states: readonly ConditionState[]): object {
  return { conditions: conditions(states, [], 1, "2026-11-22T10:00:00Z") };
}
const isReady = status(ready("Succeeded", "200"));
const isSending = status(reconciling("Sending", "POST is on its way"));
const isRetrying = status(reconciling("Timeout", "no answer in 30s"));
const isStalled = status(stalled("UnexpectedStatus", "the answer was 500"));
const isUnknown = status(stalled("OutcomeUnknown", "it may have arrived"));
const unclear = (reason: string): object => status([{ type: "Ready", status: "Unknown", reason, message: "" }]);
const cannotBeTold = unclear("NotAuthorized");
const isSuspended = status([{ type: "Ready", status: "False", reason: "Suspended", message: "" }]);

/** An HTTPResource's: `id` of its latest update, and how that stands. */
function updated(id: string, { phase = "Done", generation = 1 }: { phase?: string; generation?: number } = {}): object {
  const isDone = phase === "Done";
  const drift = isDone ? { status: "False", reason: "Corrected" } : { status: "True", reason: "NotAsDeclared" };
  const states = [
    ...(isDone ? ready("Updated", "spec.update: answered 200") : reconciling("Polling", "it goes on")),
    { type: "Drifted", ...drift, message: "corrected: .age (wanted: 36)" } as ConditionState,
  ];
  const attempt = { id, verb: "Update", phase, ...(isDone && { succeeded: true }) };
  return { ...status(states), observedGeneration: generation, attempt };
}
const isAsDeclared = {
  ...status(ready("AsDeclared", "")),
  observedGeneration: 1,
  attempt: { id: "1", verb: "Create", phase: "Done" },
};

const tried = (tries: number): object => ({ ...isRetrying, attempt: { id: "1", phase: "Retrying", tries } });

test.each([
  ["the same correction, looked at again", updated("2"), updated("2")],
  ["an update for a change of the spec", { ...isAsDeclared, observedGeneration: 1 }, updated("2", { generation: 2 })],
  ["an object that is created again", updated("2"), { ...updated("3"), attempt: { id: "3", verb: "Create", phase: "Done" } }],
  ["the first success", undefined, isReady],
  ["a success after a crash while it was on its way", isSending, isReady],
  ["a success after a success", isReady, isReady],
  ["a failure that goes on", isStalled, isStalled],
  ["a retry after a retry", isRetrying, status(reconciling("ConnectionRefused", ""))],
  ["a first try that failed and is tried again", undefined, isRetrying],
  ["a seventh try in vain", tried(6), tried(7)],
  ["a fifth one", tried(4), tried(5)],
  ["a suspension", isReady, isSuspended],
  ["the end of a suspension", isSuspended, isReady],
  [
    "a stall that goes on, however often it was tried",
    isStalled,
    status(stalled("UnexpectedStatus", "the answer was 500; tried 2 times")),
  ],
  ["work that goes on after an answer", isReady, status(reconciling("Polling", "answered 202"))],
  ["a turn that has not come", isReady, status(reconciling("RateLimited", ""))],
  ["what cannot be told, told again", cannotBeTold, cannotBeTold],
  ["a status without conditions", {}, {}],
])("%s is none", (_, before, after) => {
  expect(deriveTransitionEvent(before, after)).toBeUndefined();
});

test.each([
  ["a drift that was corrected", isAsDeclared, updated("2"), "Normal", "Corrected"],
  ["another drift that was corrected", updated("2"), updated("3"), "Normal", "Corrected"],
  ["a drift whose correction has ended", updated("2", { phase: "Polling" }), updated("2"), "Normal", "Corrected"],
  ["a drift that is corrected at last", updated("2", { phase: "Retrying" }), updated("2"), "Normal", "Corrected"],
  ["a success that turned into a failure", isReady, isRetrying, "Warning", "Timeout"],
  ["a sixth try in vain", tried(5), tried(6), "Warning", "Timeout"],
  ["a sixth try in vain of another run", { ...tried(9), attempt: { id: "0" } }, tried(6), "Warning", "Timeout"],
  ["a success that turned into a stall, once", isReady, isStalled, "Warning", "UnexpectedStatus"],
  ["a first try that stalled", undefined, isStalled, "Warning", "UnexpectedStatus"],
  ["retries that ended in a stall", isRetrying, isStalled, "Warning", "UnexpectedStatus"],
  ["an outcome that is not known", isSending, isUnknown, "Warning", "OutcomeUnknown"],
  [
    "a stall with another message",
    isStalled,
    status(stalled("UnexpectedStatus", "the answer was 404")),
    "Warning",
    "UnexpectedStatus",
  ],
  ["what cannot be told from the first", undefined, cannotBeTold, "Warning", "NotAuthorized"],
  ["what can be told no more", isReady, cannotBeTold, "Warning", "NotAuthorized"],
  ["what cannot be told for another reason", cannotBeTold, unclear("Timeout"), "Warning", "Timeout"],
  ["a stall for another reason", isStalled, isUnknown, "Warning", "OutcomeUnknown"],
  ["a recovery from a stall", isStalled, isReady, "Normal", "Succeeded"],
  ["a recovery from retries", isRetrying, isReady, "Normal", "Succeeded"],
])("%s is told", (_, before, after, type, reason) => {
  expect(deriveTransitionEvent(before, after)).toMatchObject({ type, reason });
});
