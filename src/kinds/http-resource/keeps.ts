/**
 * What an HTTPResource puts where, so that what its deletion needs is there until it has deleted its remote object.
 *
 * Invariant: the endpoints are held before the first request that makes something leaves.
 */
import type { Refusal } from "../../core/outcome.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Keeps } from "../../core/plan.ts";
import type { Reference, Resource } from "../../core/resource.ts";
import { dataReferences } from "../request/data-references.ts";
import { endpointData, inUseFinalizer, isHeld, titleOf, typeOf, usedEndpoints } from "../request/endpoint.ts";
import type { HTTPResource, UsedEndpoint } from "../types.ts";
import type { Context } from "./context.ts";
import { endpointRefs } from "./endpoints.ts";
import { inputsReadBy } from "./inputs-read.ts";

type Declaring = Pick<Context, "spec">;

/** Whether a remote object is deleted with it. */
export function deletesRemote({ spec }: Declaring): boolean {
  return spec.delete !== undefined && spec.deletionPolicy !== "Orphan";
}

/** What is not there yet of it. Of a ClusterHTTPEndpoint one who sees a part of the cluster cannot say when it may go. */
export function keepsOf(context: Pick<Context, "spec" | "endpoints" | "isPartial" | "isDivided" | "missingFinalizer">): Keeps {
  const { endpoints, isPartial, isDivided, missingFinalizer } = context;
  if (!deletesRemote(context)) return {};
  const holds = [...endpoints.values()]
    .filter(({ metadata }) => !isHeld(metadata) && metadata.deletionTimestamp === undefined)
    .filter(({ metadata }) => metadata.namespace !== "" || !isPartial)
    .map((resource) => ({ type: typeOf(resource), resource, finalizer: inUseFinalizer }));
  // Another slot lets the cluster's own go, where it finds nobody with this finalizer: by a look before or after it is on.
  const stays =
    missingFinalizer === undefined || isDivided !== true
      ? []
      : [...endpoints.values()].flatMap((one) => (one.metadata.namespace === "" ? [{ type: typeOf(one), resource: one }] : []));
  return {
    ...(missingFinalizer !== undefined && { finalizer: missingFinalizer }),
    ...(holds.length > 0 && { holds }),
    ...(stays.length > 0 && { stays }),
  };
}

/** An endpoint that is being deleted takes up nothing new: it would wait for that, too. */
export function findLeaving({ endpoints, missingFinalizer, isDivided, remote }: Context): Refusal | undefined {
  if (remote.made === "made") return undefined;
  // The slot that lets the cluster's own go may not have seen a finalizer that was put on a moment ago.
  const isNew = ({ metadata }: UsedEndpoint): boolean =>
    missingFinalizer !== undefined || (isDivided === true && metadata.namespace === "" && remote.made === "never");
  const leaving = [...endpoints.values()].find((one) => one.metadata.deletionTimestamp !== undefined && isNew(one));
  if (!leaving) return undefined;
  const message = `spec.endpointRef: ${titleOf(leaving)} is being deleted, and nothing new begins with it`;
  return { type: "refusal", reason: "EndpointNotFound", message, heals: true };
}

/** The Secrets and ConfigMaps of what is sent for a deletion, and of the endpoints that it is sent by. */
export function neededAtEnd(resource: HTTPResource, referenced: readonly (Resource | undefined)[]): readonly Reference[] {
  const { spec } = resource;
  if (!deletesRemote({ spec })) return [];
  const endpoints = usedEndpoints(endpointRefs(spec), referenced);
  return [...neededByItself(resource), ...[...endpoints.values()].flatMap((endpoint) => endpointData(endpoint))];
}
const neededByItself = oncePer(({ spec, metadata }: HTTPResource): readonly Reference[] => {
  const { observe, lookup, beforeDelete, delete: remove, exists, mine, externalID, tls } = spec;
  const shapes = [observe, lookup, beforeDelete, remove].filter((shape) => shape !== undefined);
  const inputs = inputsReadBy({ shapes, exists, mine, externalID }, spec.inputs ?? {});
  return dataReferences({ inputs, ...(tls && { tls }) }, shapes, metadata.namespace);
});
