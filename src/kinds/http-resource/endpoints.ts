/** Which endpoint each of an HTTPResource's requests goes to: its own, or the one that all share. Pure. */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { endpointKey, type EndpointRef } from "../request/endpoint.ts";
import type { SharedSettings } from "../request/request.ts";
import type { UsedEndpoint } from "../types.ts";

interface Shape {
  readonly endpointRef?: EndpointRef;
}

/** All that the spec names, each once, in an order that is always the same. */
export const endpointRefs = oncePer((spec: HTTPResourceSpec): readonly EndpointRef[] => {
  const { observe, lookup, create, update, beforeDelete, delete: remove } = spec;
  const named = [spec, observe, lookup, create, update, beforeDelete, remove].flatMap((one) => one?.endpointRef ?? []);
  return [...new Map(named.map((ref) => [endpointKey(ref), ref])).values()];
});

/** What the spec says of all its requests, as it is for this one. `inputs`: those that it reads. */
export function sharedBy(
  spec: HTTPResourceSpec,
  { endpointRef = spec.endpointRef }: Shape,
  inputs = spec.inputs,
): SharedSettings {
  const { timeout, maxRedirects, tls, idempotencyKey } = spec; // a copy of all of it would cost some microseconds
  return { endpointRef, inputs, timeout, maxRedirects, tls, idempotencyKey };
}

/** Undefined: it is not there, or the request has a URL of its own. */
export function endpointFor(
  { spec, endpoints }: { readonly spec: HTTPResourceSpec; readonly endpoints: ReadonlyMap<string, UsedEndpoint> },
  { endpointRef = spec.endpointRef }: Shape,
): UsedEndpoint | undefined {
  return endpointRef && endpoints.get(endpointKey(endpointRef));
}
