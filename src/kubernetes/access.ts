/** Asks the API server what the caller may do, before it is tried or after it was refused. */
import { isRecord } from "../core/json.ts";
import type { ApiClient } from "./api-client.ts";

export interface Access {
  readonly namespace: string;
  readonly verb: string;
  /** Plural, of the core group. */
  readonly resource: string;
  readonly name: string;
}

const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/**
 * Whether the client's user may. Throws as `ApiClient.call` does.
 * https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
 */
export async function isAllowed(client: ApiClient, access: Access, signal: AbortSignal): Promise<boolean> {
  const spec = { resourceAttributes: { ...access, group: "" } };
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
  const answer = await client.call({ method: "POST", path, body }, signal);
  const status = isRecord(answer.body) && isRecord(answer.body["status"]) ? answer.body["status"] : {};
  return status["allowed"] === true;
}
