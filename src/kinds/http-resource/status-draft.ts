/** What the ends of an HTTPResource's reconcile are made of: the status, with what stays of the one before. */
import { suspicious } from "../request/suspicions.ts";
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { conditions, type ConditionState } from "../../core/conditions.ts";
import { runsBefore, stripSendState } from "../../core/delivery.ts";
import type { RemoteObject } from "../../core/remote-object.ts";
import { untilDueMs } from "../../core/due.ts";
import { orphanAnnotation } from "../../core/resource.ts";
import { keepRecorded } from "../request/recorded.ts";
import { drifted } from "./conditions.ts";
import { owedBy } from "./delivery-record.ts";
import type { Context, VerbAttempt } from "./context.ts";
import { remoteOf, toStatusFields } from "./identity.ts";
import { valuesField } from "./values.ts";

type Status = HTTPResourceStatus;
type Taken = Pick<Context, "externalID" | "attempt" | "imported">;

export interface StatusDraft {
  /** The whole status. `taken`: what stands of the remote object's id; absent: what this reconcile knows. */
  readonly status: (states: readonly ConditionState[], change?: Partial<Status>, taken?: Taken) => Status;
  /** While no server has said that there is an object with the id that a person gave, what was known before stands. */
  readonly untaken: Taken;
  /** A condition as it stands, where it speaks of the spec as it is. */
  readonly known: (type: string) => ConditionState[];
  /** That the annotation that asks for a look has been acted on. */
  readonly acknowledged: () => Partial<Status>;
  /** An attempt as it stands now. */
  readonly attempted: (attempt: VerbAttempt) => Partial<Status>;
  /** When it is looked at next, where nothing is wrong. */
  readonly due: () => { readonly requeueAfterMs?: number };
  /** The way out for an object that is being deleted; empty for any other. */
  readonly hint: string;
}

const orphanHint = `to let this object go and leave the remote one, set the annotation ${orphanAnnotation}: "true"`;

export function draftStatus(context: Context): StatusDraft {
  const { resource, spec, status: before, now, intervalMs } = context;
  const { uid, generation, deletionTimestamp } = resource.metadata;
  const canLook = spec.observe !== undefined || spec.lookup !== undefined;

  function known(name: string): ConditionState[] {
    if (before.observedGeneration !== generation) return [];
    return (before.conditions ?? [])
      .filter(({ type }) => type === name)
      .map(({ type, status, reason, message }) => ({ type, status, reason, message }));
  }
  const acknowledged = (): Partial<Status> => (context.asked === undefined ? {} : { lastHandledReconcileAt: context.asked });

  return {
    status(states, change = {}, taken = context) {
      const { nextRunAt: _, response, attempt: __, poll, delivered, ...rest } = before;
      const { externalID: ___, formerExternalID: ____, seen: _____, replacing: ______, values: _______, ...others } = rest;
      const { asMade: ________, pageSeenAt: _________, address: knownAddress, ...kept } = others;
      const { attempt, imported } = taken;
      const remote = taken === context ? context.remote : remoteOf({ spec, status: before, ...taken });
      const latest = change.attempt ?? attempt;
      const isPolling = latest?.phase === "Polling";
      const found = context.drift ? [drifted(context.drift, spec)] : known("Drifted");
      const drift = states.some(({ type }) => type === "Drifted") ? [] : found;
      return {
        ...kept,
        // Of what a person names it is only known that it is another where that has been seen.
        ...(delivered && !(context.isAnother && taken === context) && { delivered }),
        ...keepRecorded(response, spec),
        ...toStatusFields(remote, before, { spec, ...(latest && { attempt: latest }) }),
        ...valuesField({ ...context, remote }),
        ...addressField(context.address ?? knownAddress, remote, latest),
        ...(context.asMade && remote.made === "made" && remote.seen && { asMade: context.asMade }),
        ...(imported !== undefined && { lastHandledExternalID: imported }),
        ...(attempt && { attempt }),
        ...(context.taken && { inputs: context.taken }),
        ...(poll && isPolling && { poll }),
        observedGeneration: generation,
        conditions: conditions(
          [...states, ...drift, ...suspicious(spec)],
          before.conditions ?? [],
          generation,
          now.toISOString(),
        ),
        ...change,
      };
    },
    untaken: context.imported === undefined ? context : before,
    known,
    acknowledged,
    attempted(attempt) {
      const completedRuns = runsBefore({ completedRuns: 0, ...before }, attempt) + (attempt.phase === "Done" ? 1 : 0);
      return {
        attempt: attempt.phase === "Done" ? stripSendState(attempt) : attempt,
        completedRuns,
        ...owedBy(context, attempt),
        ...acknowledged(),
      };
    },
    due: () => (canLook ? { requeueAfterMs: untilDueMs(uid, intervalMs, now) } : {}),
    hint: deletionTimestamp === undefined ? "" : `; ${orphanHint}`,
  };
}

/** `id`: the one that is kept. What is known of an id is of no use where the object that it is of is being created. */
export function withID(made: Status, id: string | undefined): Status {
  const { externalID: _, formerExternalID: __, ...rest } = made;
  return id === undefined ? rest : { ...rest, externalID: id };
}

/** What is recorded as delivered, where something is. */
export function delivering({ delivering }: Pick<Context, "delivering">): Partial<Status> {
  return delivering ? { delivered: delivering } : {};
}

/** Of what is not there nothing is left anywhere; of what may have been made something may be. */
function addressField(
  address: string | undefined,
  { made }: Pick<RemoteObject, "made">,
  attempt: VerbAttempt | undefined,
): Partial<Status> {
  const mayBeMade = attempt?.verb === "Create" && attempt.phase !== "Done" && attempt.tries > (attempt.unsent ?? 0);
  return address === undefined || (made === "never" && !mayBeMade) ? {} : { address };
}
