/**
 * The object of one reconcile, as it was read or last written, and every way in which the reconcile writes it.
 *
 * Invariant: a write lands on the object as it was decided on, or not at all. Where somebody else wrote meanwhile the answer is
 * a conflict, and by then the cache has been told what is there: before the watch tells, the next run would do the same again.
 */
import type { Precondition, ResourceStore, WaitFor, WaitForRecord, WriteResult } from "../core/ports.ts";
import type { Annotation, Intent, Kind, RemoveResult, Verdict } from "../core/plan.ts";
import type { Finalizer, Resource, ResourceType } from "../core/resource.ts";
import { sameJSON } from "../core/tools/json.ts";
import { queueKey } from "./key.ts";
import type { Conflict } from "./reconciled.ts";
import type { MayRecord, SentOutcome, UnrecordedOutcomes } from "./unrecorded.ts";

export interface OwnObjectDeps {
  readonly store: Pick<ResourceStore, "writeStatus" | "setFinalizer" | "annotate" | "remove" | "readLive">;
  /** What a write answered: it goes into the cache before anything else is decided. */
  readonly written: (resource: Resource) => void;
  /** What was deleted, or a live read did not find: it goes out of the cache. */
  readonly gone: (resource: Resource) => void;
  /** Whether this process may send and decide: it still holds the lease, with margin, in the term in which the reconcile began. */
  readonly mayAct: () => boolean;
  /** Whether this process may record what it sent. */
  readonly mayRecord: () => MayRecord;
  readonly unrecorded: Pick<UnrecordedOutcomes, "record" | "notePlainWrite">;
  /** Somebody may have acted on the object since it was as it is seen: nothing is sent before it has been read live. */
  readonly mayLag: boolean;
  /** Waits for a status write before a request. */
  readonly waitFor: WaitFor;
  readonly waitForRecord: WaitForRecord;
}

/** Each answers `undefined` where the reconcile may go on. */
export interface OwnObject {
  readonly current: () => Resource;
  /** Reads it live where the cache may lag: nothing is sent for an object that is not as the plan saw it. Undefined: it may not. */
  confirm(): Promise<Conflict | undefined> | undefined;
  recordIntent(intent: Intent): Promise<Conflict | undefined>;
  setFinalizer(finalizer: Finalizer): Promise<Conflict | undefined>;
  /** Nothing where it is so already. */
  annotate(annotation: Annotation): Promise<Conflict | { readonly type: "forbidden" } | undefined>;
  /** Deletes it, as it is known here. */
  remove(): Promise<RemoveResult | Conflict>;
  /** Of a status that belongs to no request that was sent; it is lost where it cannot be written, and decided on again. */
  writeStatus(status: object): Promise<Conflict | undefined>;
  /** Of a status that only says how it stands with the object, by whoever may act, for as long as `limit` has not aborted. */
  tell(status: object, limit: AbortSignal): Promise<Conflict | undefined>;
  /**
   * What came of a request. That of an attempt that was declared may be recorded by whoever sent it; all else is the leader's to
   * write, as long as nobody else has led since.
   */
  recordOutcome(verdict: Pick<Verdict, "status" | "finalizer">): Promise<Conflict | undefined>;
}

/** `seen`: as the plan sees it. */
export function createOwnObject({ type }: Kind, seen: Resource, deps: OwnObjectDeps, signal: AbortSignal): OwnObject {
  const { store, mayAct, unrecorded, waitFor } = deps;
  const { generation } = seen.metadata;
  const id = queueKey(type.kind, seen.metadata);
  const known = createKnown(type, seen, deps, signal);
  const { current, learnFrom, readLive } = known;
  let precondition: Precondition = { type: "unchanged" };

  async function settle(result: WriteResult): Promise<Conflict | undefined> {
    learnFrom(result);
    return result.type === "written" ? undefined : afterReading(result, readLive);
  }
  const write = (status: object, on: Precondition, limit: AbortSignal): Promise<WriteResult> =>
    waitFor(store.writeStatus(type, current(), status, on, limit, mayAct));
  const writeStatus = async (status: object): Promise<Conflict | undefined> =>
    settle(await notePlainWrite(write(status, precondition, signal), unrecorded, { id, signal }));
  async function confirmLive(): Promise<Conflict | undefined> {
    const live = await readLive();
    const isSame = live?.metadata.generation === generation && sameJSON(live.status ?? {}, current().status ?? {});
    return isSame ? undefined : { type: "conflict" };
  }
  return {
    current,
    confirm: () => (known.mayLag() ? confirmLive() : undefined),
    async recordIntent({ status, attemptId, sender }) {
      // What is declared otherwise by now, or suspended, is not to be sent any more as it was.
      precondition = { type: "unchanged", generation };
      const conflict = await writeStatus(status);
      if (!conflict) precondition = { type: "attempt", id: attemptId, sender };
      return conflict;
    },
    async setFinalizer(finalizer) {
      return settle(await waitFor(store.setFinalizer(type, current(), finalizer, signal, mayAct)));
    },
    async annotate(annotation) {
      if (current().metadata.annotations?.[annotation.name] === annotation.value) return undefined;
      const result = await waitFor(store.annotate(type, current(), annotation, signal, mayAct));
      return result.type === "forbidden" ? result : settle(result);
    },
    async remove() {
      const result = await afterReading(await waitFor(store.remove(type, current(), signal, mayAct)), readLive);
      if (result.type === "removed" && result.left) learnFrom({ type: "written", resource: result.left });
      else if (result.type === "removed") deps.gone(current());
      return result;
    },
    writeStatus,
    // Where it fails that is not noted: nothing waits for it, and for long there may be no other that takes the note back.
    tell: async (status, limit) => settle(await noteWritten(write(status, { type: "unchanged" }, limit), unrecorded)),
    async recordOutcome({ status, finalizer }) {
      const until: Precondition = precondition.type === "attempt" ? precondition : { type: "sameAttempt" };
      const outcome: SentOutcome = {
        type,
        resource: current(),
        status,
        ...(finalizer && { finalizer }),
        async write(whole, limit, mayWrite) {
          if (finalizer) {
            const result = await store.setFinalizer(type, current(), finalizer, limit, mayWrite);
            learnFrom(result);
            if (result.type === "conflict") return result;
          }
          const isOver = finalizer?.present === false || sameJSON(whole, current().status ?? {});
          return isOver
            ? { type: "written", resource: current() }
            : store.writeStatus(type, current(), whole, until, limit, mayWrite);
        },
        isGone: async (limit) => (await store.readLive(type, current(), limit)) === undefined,
        ...(until.type === "attempt" && { attempt: until }),
        mayRecord: until.type === "attempt" && !finalizer ? () => "yes" : deps.mayRecord,
      };
      return settle(await deps.waitForRecord(unrecorded.record(outcome, signal)));
    },
  };
}

/** The object as it is known here. What a write or a live read says of it, the cache is told as well. */
function createKnown(
  type: ResourceType,
  seen: Resource,
  { store, written, gone, ...deps }: Pick<OwnObjectDeps, "store" | "written" | "gone" | "mayLag">,
  signal: AbortSignal,
) {
  let current = seen;
  let { mayLag } = deps;
  /** It came from the store itself, so that what follows in this reconcile lags no more. */
  function learn(live: Resource): void {
    mayLag = false;
    written(live);
  }
  return {
    current: () => current,
    mayLag: () => mayLag,
    learnFrom: (result: WriteResult): void => {
      if (result.type === "conflict") return;
      if (result.resource !== current) learn(result.resource); // else there was nothing to write, and nobody was asked
      current = result.resource;
    },
    readLive: async (): Promise<Resource | undefined> => {
      const live = await store.readLive(type, current, signal);
      if (live) learn(live);
      else gone(current);
      return live;
    },
  };
}

/** The same; where somebody else wrote meanwhile, once the object has been read anew. */
async function afterReading<R extends RemoveResult | Conflict>(result: R, readLive: () => Promise<unknown>): Promise<R> {
  if (result.type === "conflict") await readLive();
  return result;
}

type Noting = Pick<UnrecordedOutcomes, "notePlainWrite">;
async function noteWritten(write: Promise<WriteResult>, unrecorded: Noting): Promise<WriteResult> {
  const result = await write;
  if (result.type === "written") unrecorded.notePlainWrite();
  return result;
}
/** Whether statuses can be written at all is of use to those that wait for it. */
async function notePlainWrite(
  write: Promise<WriteResult>,
  unrecorded: Noting,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<WriteResult> {
  try {
    const result = await write;
    unrecorded.notePlainWrite();
    return result;
  } catch (error) {
    if (!signal.aborted) unrecorded.notePlainWrite({ id, error });
    throw error;
  }
}
