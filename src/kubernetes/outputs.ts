/**
 * Writes the Secrets and ConfigMaps that requests declare as their outputs.
 *
 * Invariant: what carries the reference of neither the owner nor one of its name that is gone is never changed, nor is what was
 * restored without being asked for, and every change is made on condition of the resourceVersion that was looked at. A call is made only where something differs.
 */
import { isRecord, sameJSON } from "../core/tools/json.ts";
import {
  findLost,
  refuseDeleted,
  mergedData,
  refuseForbidden,
  notOurs,
  notTakenOver,
  refuseValue,
  outputKey,
  type OutputData,
  type OutputObject,
  type OutputRefusal,
  type OutputStore,
  type Owner,
} from "../core/output.ts";
import type { Refusal } from "../core/outcome.ts";
import type { RightDenial, ResourceKey } from "../core/resource.ts";
import { isAllowed } from "./access.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, ApiUnreachableError, isNotFound, isTransient, timedOut } from "./api-error.ts";
import { toDataResource, toMetadata } from "./objects.ts";
import { fieldManager, newOutput, outputPatch, ownership } from "./output-object.ts";
import { collectionPath, objectPath } from "./paths.ts";
import { persistently, type StatusWriter } from "./status-write.ts";

interface OutputWriterSettings extends StatusWriter {
  readonly client: ApiClient;
  /** Who lacks the right, and what an admin of the namespace can do about it. */
  readonly denial: (key: ResourceKey, signal: AbortSignal) => Promise<RightDenial>;
}
type Written = { readonly type: "written" | "unchanged" | "conflict" } | OutputRefusal;
type Fields = Readonly<Record<string, unknown>>;
type Verb = "get" | "create" | "patch" | "write";
type Change = Parameters<ApiClient["call"]>[0];

/** Each try needs somebody else to have changed the object since the last one. */
const maxTries = 5;
const query = { fieldManager };

export function createOutputStore(settings: OutputWriterSettings): OutputStore {
  const { client, denial } = settings;

  async function refuseDenied(owner: Owner, object: OutputObject, verb: Verb, signal: AbortSignal): Promise<Refusal> {
    return refuseForbidden(object, verb, await denial(outputKey(owner, object), signal));
  }

  return {
    async checkOutput(owner, object, signal) {
      try {
        const present = await readOutput(client, owner, object, signal);
        const problem = present && problemOf(owner, object, present);
        if (problem) return problem;
        const verb = present ? "patch" : "create";
        const access = { ...outputKey(owner, object), verb, resource: object.type.plural };
        return (await isAllowed(client, access, signal)) ? undefined : await refuseDenied(owner, object, verb, signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 403) return refuseDenied(owner, object, "get", signal);
        throw error;
      }
    },
    async writeOutput(owner, object, data, signal, mayWrite = () => true) {
      let tries = 0;
      try {
        return await persistently(
          settings,
          0, // what is refused is tried again by whoever keeps the answer
          async (): Promise<Written | undefined> => {
            const present = await readOutput(client, owner, object, signal);
            if (!mayWrite()) return { type: "conflict" };
            const change = changeOf(owner, object, data.open(), present);
            const written = "method" in change ? await sendChange(client, { object, change }, signal) : change;
            tries += 1;
            return written ?? (tries < maxTries ? undefined : refuseContested(object));
          },
          signal,
        );
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const refused =
          error.status === 403 ? await refuseDenied(owner, object, "write", signal) : refuseValue(object, error.message);
        return { ...refused, ...(error.isOfContent ? {} : { mayPass: true }) };
      }
    },
  };
}

async function readOutput(
  client: ApiClient,
  owner: Owner,
  object: OutputObject,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  try {
    const { body } = await client.call({ method: "GET", path: objectPath(object.type, outputKey(owner, object)) }, signal);
    return isRecord(body) ? body : {};
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What has to be sent so that it holds the data. */
function changeOf(
  owner: Owner,
  object: OutputObject,
  data: OutputData,
  present: Fields | undefined,
): Change | { readonly type: "unchanged" } | OutputRefusal {
  const live = present && toDataResource(object.type.kind, present).data;
  const problem = present && problemOf(owner, object, present);
  if (problem) return problem;
  const lost = findLost(object, data, live);
  if (lost) return lost;
  if (!present) {
    const path = collectionPath(object.type, owner.metadata.namespace);
    return { method: "POST", path, query, body: newOutput(owner, object, data) };
  }
  const patch = outputPatch(owner, object, { data: mergedData(data, live), present });
  if (!patch) return { type: "unchanged" };
  const { resourceVersion } = toMetadata(present);
  const body = { ...patch, metadata: { ...patch.metadata, resourceVersion } };
  const path = objectPath(object.type, outputKey(owner, object));
  return { method: "PATCH", path, query, body, contentType: "application/merge-patch+json" };
}

/**
 * Undefined: somebody was faster, look again. The API server has just been read from: what says so little of why a change is not taken
 * may be a webhook, which can go on for ever.
 */
async function sendChange(
  client: ApiClient,
  { object, change }: { readonly object: OutputObject; readonly change: Change },
  signal: AbortSignal,
): Promise<Written | undefined> {
  try {
    await client.call(change, signal);
    return { type: "written" };
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return undefined;
    if (isNotFound(error) && change.method === "PATCH") return undefined;
    const isAnswered = error instanceof ApiError || (error instanceof ApiUnreachableError && error.code === timedOut);
    if (!signal.aborted && isAnswered && isTransient(error)) return { ...refuseValue(object, error.message), mayPass: true };
    throw error;
  }
}

/** The quota's own object is changed by each that it counts, so that many at once are in each other's way. */
function refuseContested(object: OutputObject): OutputRefusal {
  return { ...refuseValue(object, "somebody else keeps changing it, or a quota that counts it"), mayPass: true };
}

/** What is there and is another's, or on its way out, can be gone the next time. */
function problemOf(owner: Owner, object: OutputObject, present: Fields): OutputRefusal | undefined {
  const metadata = isRecord(present["metadata"]) ? present["metadata"] : {};
  const whose = ownership(owner, present);
  if (whose === "somebodyElse") return { ...notOurs(object), mayPass: true };
  if (whose === "restored") return notTakenOver(object);
  if (metadata["deletionTimestamp"] !== undefined) return { ...refuseDeleted(object), mayPass: true };
  if (object.secretType !== undefined && !sameJSON(present["type"], object.secretType))
    return refuseValue(object, `it was made as another type than ${object.secretType}, which cannot be changed: delete it`);
  return undefined;
}
