/**
 * Tokens of ServiceAccounts, by TokenRequest.
 * https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 *
 * Invariant: no token that the API server itself accepts is handed out. Which audiences are its own it says in answer to a request
 * that names none; that token is thrown away.
 */
import type { ServiceAccountTokenRequest, ServiceAccountTokenResult } from "../core/auth.ts";
import { isRecord } from "../core/tools/json.ts";
import type { ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, ApiUnreachableError, isNotFound, unreadable } from "./api-error.ts";
import { isObjectName, objectPath } from "./paths.ts";

const serviceAccountType: ResourceType = { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts" };
/** The shortest that a token can live. */
const leastSeconds = 600;
/** An API server that is started anew can have other audiences. */
const audiencesKeptMs = 600_000;

/** `grant`: what follows `kubectl create rolebinding --namespace=…`, to allow it. Throws as `ApiClient.call` does. */
export function createServiceAccountTokens(client: ApiClient, grant: string | undefined) {
  let own: { readonly audiences: readonly string[]; readonly readAtMs: number } | undefined;

  async function create(
    { namespace, name }: ServiceAccountTokenRequest,
    spec: { readonly audiences: readonly string[]; readonly expirationSeconds: number },
    signal: AbortSignal,
  ): Promise<{ readonly audiences: readonly string[]; readonly token: string; readonly expiresAt: number }> {
    const path = `${objectPath(serviceAccountType, { namespace, name })}/token`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const answer = (await client.call({ method: "POST", path, body }, signal)).body;
    const given = isRecord(answer) && isRecord(answer["spec"]) ? answer["spec"]["audiences"] : undefined;
    const status = isRecord(answer) && isRecord(answer["status"]) ? answer["status"] : {};
    const { token, expirationTimestamp } = status;
    const expiresAt = Date.parse(String(expirationTimestamp));
    if (!Array.isArray(given) || typeof token !== "string" || Number.isNaN(expiresAt))
      throw new ApiUnreachableError(`POST ${path}`, unreadable);
    return { audiences: given.map(String), token, expiresAt };
  }
  async function ownAudiences(request: ServiceAccountTokenRequest, signal: AbortSignal): Promise<readonly string[]> {
    if (!own || performance.now() - own.readAtMs > audiencesKeptMs) {
      const { audiences } = await create(request, { audiences: [], expirationSeconds: leastSeconds }, signal);
      own = { audiences, readAtMs: performance.now() };
    }
    return own.audiences;
  }

  return async (request: ServiceAccountTokenRequest, signal: AbortSignal): Promise<ServiceAccountTokenResult> => {
    const { namespace, name, audience, expirationSeconds } = request;
    if (!isObjectName(name) || audience === "") return { type: "absent" };
    try {
      if ((await ownAudiences(request, signal)).includes(audience)) return { type: "ownAudience" };
      const { audiences, token, expiresAt } = await create(request, { audiences: [audience], expirationSeconds }, signal);
      if (audiences.length !== 1 || audiences[0] !== audience) return { type: "ownAudience" };
      return { type: "token", token, lifetimeMs: expiresAt - Date.now() };
    } catch (error) {
      if (isNotFound(error)) return { type: "absent" };
      if (error instanceof ApiError && error.status === 403)
        return {
          type: "forbidden",
          ...(grant !== undefined && { grant: `kubectl create rolebinding --namespace=${namespace} ${grant}` }),
        };
      throw error;
    }
  };
}
