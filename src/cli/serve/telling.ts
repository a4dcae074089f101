/** What serving writes into the status of the object that is served. Invariant: nothing new to say is nothing written. */
import type { Evaluator } from "../../core/ports.ts";
import type { Condition } from "../../core/conditions.ts";
import type { Resource, ResourceType } from "../../core/resource.ts";
import { sameJSON } from "../../core/tools/json.ts";
import { isTakenForDone } from "../../serve/sent-once.ts";
import { detailsOf } from "../../serve/details.ts";
import { shadowTypeOf } from "../../serve/kinds.ts";
import type { ShownAnswers } from "../../serve/shown-answers.ts";
import { conditionOf, readServed, type ServedObject } from "../../serve/served-object.ts";
import { markIn, servedCondition, statusMark, textOf, withMark, type ServedReason } from "../../serve/serving.ts";
import {
  errorObserved,
  exhaustedStates,
  lastAction,
  readyStates,
  tellAnswer,
  withStates,
  type State,
  type Told,
} from "../../serve/status.ts";
import { ChangedError, type Writes } from "./writes.ts";

/** An object of the peer, whether or not it can be read. */
export type Given = Pick<ServedObject, "type" | "resource">;
interface ServedState {
  readonly status: Condition["status"];
  readonly reason: ServedReason;
  readonly message: string;
}

interface Marked {
  readonly answer: object;
  readonly states: readonly State[];
  readonly served: ServedState;
  /** The type of a condition that holds no more. */
  readonly over?: string | undefined;
}

export interface TellingDeps {
  readonly writes: Pick<Writes, "status">;
  readonly evaluator: Evaluator;
  /** What a write answered. */
  readonly learn: (type: ResourceType, resource: Resource) => void;
  /** What is shown of the answer that a shadow has last made Secrets of. */
  readonly shownOf: ShownAnswers["find"];
  readonly now: () => Date;
}
export interface Telling {
  /** These conditions beside what is there; `served`: of one that is not served. */
  states(given: Given, states: readonly State[], served: ServedState | undefined, signal: AbortSignal): Promise<void>;
  /** Nothing is sent for it; `message` says why. */
  refused(given: Given, message: string, signal: AbortSignal): Promise<void>;
  /** The same of one that is served, though nothing is done about it now. */
  resting(given: Given, states: readonly State[], signal: AbortSignal): Promise<void>;
  /** What its shadow has come to. Returns the object as it is by then. */
  shadow(object: ServedObject, shadow: Resource, served: Omit<ServedState, "status">, signal: AbortSignal): Promise<ServedObject>;
}

export function createTelling({ writes, evaluator, learn, shownOf, now }: TellingDeps): Telling {
  async function write({ type, resource }: Given, status: object, signal: AbortSignal): Promise<Resource> {
    if (sameJSON(status, resource.status)) return resource;
    const written = await writes.status(type, resource, status, signal);
    learn(type, written);
    return written;
  }
  /** With a mark of what is written, so that it is known for our own. */
  async function writeMarked(given: Given, { answer, states, served, over }: Marked, signal: AbortSignal): Promise<Resource> {
    const draft = { ...answer, conditions: withStates(given.resource, states, now()).filter(({ type }) => type !== over) };
    const { status, reason, message } = served;
    const own = { type: servedCondition, status, reason, message: withMark(message, statusMark(draft)) } as const;
    return write(given, { ...answer, conditions: withStates({ ...given.resource, status: draft }, [own], now()) }, signal);
  }
  return {
    async states(given, states, served, signal) {
      const own = served && { type: servedCondition, ...served };
      const conditions = withStates(given.resource, [...states, ...(own ? [own] : [])], now());
      await write(given, { ...given.resource.status, conditions }, signal);
    },
    async refused(given, message, signal) {
      const isNew = conditionOf(given.resource.status, "Ready") === undefined;
      const synced = { type: "Synced", status: "False", reason: "ReconcileError", message } as const;
      const states: State[] = isNew ? [synced, { type: "Ready", status: "False", reason: "Creating" }] : [synced];
      await this.states(given, states, { status: "False", reason: "Refused", message }, signal);
    },
    async resting(given, states, signal) {
      const was = conditionOf(given.resource.status, servedCondition);
      const answer = given.resource.status ?? {};
      // What another has written meanwhile is not our own after it, either.
      if (was?.status !== "True" || markIn(was) !== statusMark(answer)) return this.states(given, states, undefined, signal);
      const served = { status: was.status, reason: was.reason as ServedReason, message: textOf(was) ?? "" };
      await writeMarked(given, { answer, states, served }, signal);
    },
    async shadow(object, shadow, served, signal) {
      const shown = shownOf(shadowTypeOf(object.type).kind, shadow);
      const told = (details: Told["details"]): object => tellAnswer({ object, shadow, shown, details, now: now() });
      let answer = told(undefined);
      // What was sent once is not what is written by now.
      const isOld = object.peer.type === "disposable" && "requestDetails" in answer;
      const isTold = isOld && sameJSON(withoutConditions(answer), withoutConditions(object.resource.status));
      if (!isTold && hasActed(shadow) && !isTakenForDone(shadow)) {
        const { response } = answer as { readonly response?: Parameters<typeof detailsOf>[2] };
        answer = told(await detailsOf(object, lastAction(shadow), response, { evaluator, signal }));
      }
      const exhausted = exhaustedStates(object, answer);
      const states = [...readyStates(object, shadow), ...exhausted];
      const over = exhausted.length === 0 ? errorObserved : undefined;
      const written = await writeMarked(object, { answer, states, served: { status: "True", ...served }, over }, signal);
      return again(object, written);
    },
  };
}

/** The same object, as it is by now. */
export function again({ type, resource: before, peer }: ServedObject, resource: Resource): ServedObject {
  if (resource === before) return { type, resource, peer };
  const read = readServed(type, resource);
  if (read.type === "invalid") throw new ChangedError("it cannot be read any more");
  return read.object;
}
function withoutConditions(status: object | undefined): object {
  const { conditions: _, ...rest } = (status ?? {}) as { readonly conditions?: unknown };
  return rest;
}
function hasActed({ status }: Resource): boolean {
  const { attempt, response, values } = (status ?? {}) as Readonly<Record<"attempt" | "response" | "values", unknown>>;
  return [attempt, response, values].some((one) => one !== undefined);
}

/** As much as a condition's message is to hold. */
const longestMessage = 2_048;
export function short(text: string): string {
  return text.length > longestMessage ? `${text.slice(0, longestMessage - 1)}…`.toWellFormed() : text;
}
