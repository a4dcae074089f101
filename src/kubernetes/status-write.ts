/**
 * Writes a status so that it lands on the object it is meant for, and on no status that somebody else wrote meanwhile.
 *
 * Invariant: what the precondition names is part of the patch, so the API server itself checks it as it writes. A UID in
 * a merge-patched status would be ignored; a JSON Patch `test` is enforced. The answer to a failed test (422) is also
 * that to an invalid status: which of the two it was is found by reading the object, never from the answer's text.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isRecord, parseJSON, sameJSON } from "../core/tools/json.ts";
import { carriesAttempt, carriesSameAttempt, isRecorded } from "../core/delivery.ts";
import { StatusTooLargeError, type Precondition, type WriteResult } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, isNotFound, isTransient, mayHaveChanged } from "./api-error.ts";
import { toResource } from "./objects.ts";
import { objectPath } from "./paths.ts";
import { backoffMs } from "./reflector-state.ts";

/** Each try needs somebody else to have changed the object since the last one. */
const maxTries = 5;

/** An API server that has just started denies everything until it has read its roles; a right that is missing must not hold up a worker. */
export const startingUpTries = 3;

export interface StatusWriter {
  readonly client: ApiClient;
  /** At least 0 and below 1: spreads the pauses. */
  readonly random: () => number;
}
interface StatusWrite {
  readonly type: ResourceType;
  /** As it was read. */
  readonly resource: Resource;
  readonly status: object;
  /** `outcomes` where not given. */
  readonly purpose?: "calls" | "outcomes";
  /** Asked before each try: a process that has lost the lease during an outage does not write when it is over. */
  readonly mayWrite: () => boolean;
}

/** Whoever sent it may write its outcome. */
type AttemptWrite = Omit<StatusWrite, "mayWrite">;

/**
 * `unchanged`: the resourceVersion is the precondition; when something else about the object changed, a label, the write
 * is tried again with the new one. `sameAttempt`: likewise, however often, when something else than the attempt changed. Waits while the server cannot be reached, since what led to the status may be a request
 * that would be sent again without it. Throws what the server refuses for good, and the signal's reason when it aborts.
 */
export async function writeUnchanged(
  writer: StatusWriter,
  write: StatusWrite,
  precondition: Exclude<Precondition, { type: "attempt" }>,
  signal: AbortSignal,
): Promise<WriteResult> {
  const { resource, status, mayWrite } = write;
  const isOutcome = precondition.type === "sameAttempt";
  const own = { ...write, purpose: isOutcome ? "outcomes" : "calls" } as const;
  const generation = precondition.type === "unchanged" ? precondition.generation : undefined;
  const isOther = ({ metadata }: Resource): boolean => generation !== undefined && metadata.generation !== generation;
  const isSame = (live: object | undefined): boolean =>
    isOutcome ? carriesSameAttempt(live, resource.status) : sameJSON(live, resource.status);
  if (isOther(resource)) return { type: "conflict" };
  let { resourceVersion } = resource.metadata;
  let tries = 0;
  async function tryOnce(): Promise<WriteResult | undefined> {
    if (!mayWrite()) return { type: "conflict" };
    const sameVersion = { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion };
    const result = await patchStatus(writer, own, [sameVersion], signal);
    if (result.type === "written") return result;
    const live = await readLive(writer, own, signal);
    if (!live) return { type: "conflict" };
    if (sameJSON(live.status, status)) return { type: "written", resource: live }; // an earlier try landed, its reply was lost
    if (!isSame(live.status) || isOther(live)) return { type: "conflict" };
    if (result.error.status === 422) throw result.error;
    ({ resourceVersion } = live.metadata);
    tries += 1;
    if (tries < maxTries) return tryOnce();
    return isOutcome ? undefined : { type: "conflict" };
  }
  return persistently(writer, startingUpTries, tryOnce, signal);
}

/**
 * `attempt`: the outcome of a request that may not be sent again, so it is tried until it lands, the precondition fails,
 * or the signal aborts, which throws. A lost right is waited for as well: it can come back, the outcome not.
 */
export async function writeAttempt(
  writer: StatusWriter,
  write: AttemptWrite,
  attempt: Extract<Precondition, { type: "attempt" }>,
  signal: AbortSignal,
): Promise<WriteResult> {
  return persistently(writer, Infinity, () => tryAttempt(writer, write, attempt, signal), signal);
}

/**
 * Tries until there is a result, with pauses; through whatever may pass, and so many answers that this process may not, or that what
 * the API server asks is not there.
 */
export async function persistently<T>(
  { random }: Pick<StatusWriter, "random">,
  deniedTries: number,
  tryOnce: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  let denied = 0;
  let latest: unknown;
  /** Where it was for lack of time, what went wrong says more than that. */
  const abortReason = (): unknown =>
    latest !== undefined && isRecord(signal.reason) && signal.reason["name"] === "TimeoutError" ? latest : signal.reason;
  for (let failures = 0; ; failures += 1) {
    let retryAfterMs = 0;
    try {
      const result = await tryOnce();
      if (result) return result;
    } catch (error) {
      if (signal.aborted) throw abortReason();
      latest = error;
      const { status = 0, isInternal = false, retryAfterMs: askedMs = 0 } = error instanceof ApiError ? error : {};
      const isDenied = status === 403 || isInternal;
      denied += isDenied ? 1 : 0;
      const mayPass = isDenied ? denied <= deniedTries : isTransient(error) || status === 401;
      if (!mayPass) throw error;
      retryAfterMs = askedMs;
    }
    const pauseMs = Math.max(backoffMs(failures, random()), retryAfterMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      throw abortReason();
    });
  }
}

/** Undefined: worth another try. */
async function tryAttempt(
  writer: StatusWriter,
  write: AttemptWrite,
  { id, sender }: Extract<Precondition, { type: "attempt" }>,
  signal: AbortSignal,
): Promise<WriteResult | undefined> {
  const tests = Object.entries({ id, sender }).map(([name, value]) => ({ op: "test", path: `/status/attempt/${name}`, value }));
  const result = await patchStatus(writer, write, tests, signal);
  if (result.type === "written") return result;
  const live = await readLive(writer, { ...write, purpose: "outcomes" }, signal);
  if (!live) return { type: "conflict" };
  if (sameJSON(live.status, write.status)) return { type: "written", resource: live }; // an earlier try landed, its reply was lost
  if (!carriesAttempt(live.status, { id, sender })) return { type: "conflict" };
  if (isRecorded(live.status)) return otherwise(result);
  // The status was taken away: what was sent is known here alone.
  const sameVersion = { op: "replace", path: "/metadata/resourceVersion", value: live.metadata.resourceVersion };
  const again = await patchStatus(writer, write, [sameVersion], signal);
  return again.type === "written" ? again : otherwise(again);
}
/** It was not for another attempt: the status itself is refused, or another try may do. */
function otherwise({ error }: Extract<Patched, { type: "refused" }>): undefined {
  if (error.status === 422) throw error;
  return undefined;
}

type Patched = { readonly type: "written"; readonly resource: Resource } | { readonly type: "refused"; readonly error: ApiError };

/**
 * Replaces the whole status. `refused`: the object is gone, is another one, or is not as the operations before say.
 *
 * The answer is asked for without the spec, which is known, and the status, which has just been sent.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
 */
async function patchStatus(
  writer: StatusWriter,
  write: AttemptWrite,
  preconditions: readonly object[],
  signal: AbortSignal,
): Promise<Patched> {
  const { type, resource, status, purpose = "outcomes" } = write;
  const { metadata } = resource;
  const sameObject = { op: "test", path: "/metadata/uid", value: metadata.uid };
  const path = `${objectPath(type, metadata)}/status`;
  const body = [sameObject, ...preconditions, { op: "add", path: "/status", value: status }];
  try {
    const contentType = "application/json-patch+json";
    const how = { method: "PATCH", query: asHoldfast, contentType, accept: metadataAlone, omitsManagers: true } as const;
    const patch = { ...how, path, body, purpose };
    const answer = await writer.client.call(patch, signal);
    return { type: "written", resource: await writtenAs(writer, write, answer.body, signal) };
  } catch (error) {
    if (mayHaveChanged(error)) return { type: "refused", error };
    if (error instanceof ApiError && error.isTooLarge) throw new StatusTooLargeError(error.message, { cause: error });
    throw error;
  }
}

const asHoldfast = { fieldManager: "holdfast" };
const metadataAlone = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/** The object as it is by an answer to the write. A spec that has changed since it was read is read anew. */
async function writtenAs(writer: StatusWriter, write: AttemptWrite, answer: unknown, signal: AbortSignal): Promise<Resource> {
  if (!isRecord(answer) || answer["kind"] !== "PartialObjectMetadata") return toResource(answer);
  const { spec, metadata } = write.resource;
  const status = parseJSON(JSON.stringify(write.status)); // as it comes back: what is absent is not there
  const written = toResource({ metadata: answer["metadata"], status }, isRecord(spec) ? spec : undefined);
  if (written.metadata.generation === metadata.generation) return written;
  return (await readLive(writer, { ...write, purpose: write.purpose ?? "outcomes" }, signal)) ?? written;
}

/** Undefined where the object is gone, or another one has its name. */
export async function readLive(
  { client }: Pick<StatusWriter, "client">,
  write: Pick<AttemptWrite, "type" | "resource" | "purpose">,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const { uid, ...key } = write.resource.metadata;
  try {
    const request = { method: "GET", path: objectPath(write.type, key), purpose: write.purpose ?? "calls" } as const;
    const live = toResource((await client.call(request, signal)).body);
    return live.metadata.uid === uid ? live : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
