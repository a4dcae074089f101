/** Asks the API server what the caller may do, before it is tried or after it was refused. */
import { isRecord } from "../core/tools/json.ts";
import type { ApiClient } from "./api-client.ts";

interface Access {
  /** In the whole cluster where not given. */
  readonly namespace?: string;
  readonly verb: string;
  /** The core group where not given. */
  readonly group?: string;
  /** Plural. */
  readonly resource: string;
  /** Any where not given. */
  readonly name?: string;
}

const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/**
 * Whether the client's user may. Throws as `ApiClient.call` does.
 * https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
 */
export async function isAllowed(client: ApiClient, access: Access, signal: AbortSignal): Promise<boolean> {
  const spec = { resourceAttributes: { group: "", ...access } };
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
  const answer = await client.call({ method: "POST", path, body }, signal);
  const status = isRecord(answer.body) && isRecord(answer.body["status"]) ? answer.body["status"] : {};
  return status["allowed"] === true;
}
