/** What an HTTPRequest with a trigger is to tell of, as its plan needs it. Pure. */
import type { Trigger, TriggerEvent, TriggerStatus } from "../../api/trigger.ts";
import { group, version } from "../../api/kind-definition.ts";
import type { Attempt, Desired } from "../../core/delivery.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Dependency, Situation, Verdict } from "../../core/plan.ts";
import { plurals } from "../request/dependencies.ts";
import type { HTTPRequest, HTTPResource } from "../types.ts";
import { mostSources, nextEvent, triggerState } from "./trigger.ts";

export interface Told {
  readonly type: "told";
  readonly trigger: NonNullable<Desired["trigger"]>;
  /** What the status is to say of the trigger where it tells of this attempt; undefined: of none that is new. */
  readonly stateFor: (attempt: Pick<Attempt, "event"> | undefined) => TriggerStatus;
  /** The verdict, after which the next one is told of at once where there is one. */
  readonly goOn: (verdict: Verdict) => Verdict;
}

/** The object that a trigger names, as something to watch. */
export function triggerReferences(trigger: Trigger | undefined, namespace: string): Dependency[] {
  if (trigger?.name === undefined) return [];
  const { kind, name } = trigger;
  return [{ type: { group, version, kind, plural: plurals[kind] }, key: { namespace, name }, onStatus: "everything" }];
}

/** `named`: what `triggerReferences` names, where it exists. */
export function whatToTell(
  { resource, now, cycle, watched }: Situation<HTTPRequest>,
  named: HTTPRequest | HTTPResource | undefined,
): Told | Refusal | undefined {
  const { trigger } = resource.spec;
  const state = triggerState(resource, now);
  if (!trigger || !state) return undefined;
  if (cycle) return refusal("DependencyCycle", `spec.trigger goes round in a circle: ${cycle.join(" -> ")}`, false);
  if (trigger.selector && !watched)
    return refusal("TooManySources", "spec.trigger.selector: too many notices of this namespace choose by labels", true);
  const sources = trigger.selector ? some(watched?.() ?? []) : named ? [named] : [];
  if (!sources)
    return refusal("TooManySources", `spec.trigger.selector: more than ${mostSources} objects have these labels`, true);
  const { event, state: next, more } = nextEvent(trigger, state, sources as (HTTPRequest | HTTPResource)[]);
  const last = state.event?.id;
  return {
    type: "told",
    trigger: { ...(event && { due: event.id }), ...(last !== undefined && { last }) },
    stateFor: (attempt) => (!event || attempt?.event === event.id ? next : state),
    goOn(verdict) {
      const { attempt }: HTTPRequest["status"] & object = verdict.status;
      const before = resource.status?.attempt;
      // What holds it back, a suspension say, holds back the next one, too.
      const hasEnded = attempt?.phase !== before?.phase || attempt?.id !== before?.id;
      const isOver = attempt?.phase === "Done" || attempt?.phase === "Unknown";
      const isNext = attempt?.event === event?.id ? more : event !== undefined;
      return hasEnded && isOver && isNext && verdict.requeueAfterMs === undefined ? { ...verdict, requeueAfterMs: 0 } : verdict;
    },
  };
}

/** For people who want to see what would be sent. */
export function sampleEvent({ kind, name = "NAME", when }: Trigger, namespace: string): TriggerEvent {
  const now = "1970-01-01T00:00:00Z";
  const attempt = { id: "ATTEMPT-ID", startedAt: now, finishedAt: now, tries: 1 };
  const about = { reason: "UnexpectedStatus", message: "answered 500, where …", statusCode: 500, attempt };
  return { id: "EVENT-ID", when: when[0] ?? "Failed", kind, name, namespace, uid: "UID", ...about };
}

/** Undefined: there are too many. */
function some<T>(all: Iterable<T>): readonly T[] | undefined {
  const taken: T[] = [];
  for (const one of all) {
    if (taken.length === mostSources) return undefined;
    taken.push(one);
  }
  return taken;
}

function refusal(reason: Refusal["reason"], message: string, heals: boolean): Refusal {
  return { type: "refusal", reason, message, heals };
}
