/**
 * Calls in the name of a ServiceAccount, which the API server answers by that account's rights alone.
 *
 * Invariant: the account is one of the resource's own namespace, and never the empty name, by which calls would be made by Holdfast's own rights.
 * https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
 */
import type { RightDenial } from "../core/resource.ts";
import type { ServiceAccountKey } from "../core/ports.ts";
import { isAllowed } from "./access.ts";
import type { ApiClient } from "./api-client.ts";

import { isObjectName } from "./paths.ts";

/** Throws for what cannot be a ServiceAccount's name. The client stays its owner's to dispose of. */
export function actingAs(client: ApiClient, { namespace, name }: ServiceAccountKey): ApiClient {
  if (!isObjectName(namespace) || !isObjectName(name)) throw new Error("this cannot be the name of a ServiceAccount");
  const impersonate = `system:serviceaccount:${namespace}:${name}`;
  return { ...client, call: (request, signal) => client.call({ ...request, impersonate }, signal) };
}

/** What an admin of the namespace can do about it, where it is known what kubectl needs. */
export function grantOf(namespace: string, grant: string | undefined): RightDenial {
  return grant === undefined ? {} : { grant: `kubectl create rolebinding --namespace=${namespace} ${grant}` };
}

/**
 * Who lacks a right that was refused to the account: Holdfast, that of acting as it, or the account. The refusal itself says
 * it in words only. `grant`: what kubectl needs to let this process act as the namespace's accounts.
 */
export async function denialOf(
  client: ApiClient,
  { namespace, name }: ServiceAccountKey,
  grant: string | undefined,
  signal: AbortSignal,
): Promise<RightDenial> {
  const account = `ServiceAccount "${name}"`;
  const mayAct = await isAllowed(client, { namespace, name, verb: "impersonate", resource: "serviceaccounts" }, signal);
  return mayAct ? { who: account } : { who: `Holdfast, which may not act as ${account},`, ...grantOf(namespace, grant) };
}
