/**
 * Everything of one type, in pages. Invariant: what it gives is one consistent state of the server, at the
 * resourceVersion that it gives: the pages that follow the first one are read at the first one's.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import { isRecord } from "../core/tools/json.ts";
import type { Resource } from "../core/resource.ts";
import type { ApiClient, ApiRequest } from "./api-client.ts";
import { ApiError, ApiUnreachableError, unreadable } from "./api-error.ts";
import { toResource } from "./objects.ts";

const pageSize = 500;

export interface Listed {
  readonly resources: readonly Resource[];
  readonly resourceVersion: string;
}

/** Query parameters that say what of it: a labelSelector. */
type Selection = Readonly<Record<string, string>>;

/**
 * Asks for no resourceVersion, that is for the newest state: a listing from a server's cache (resourceVersion 0) could
 * be older than what is known already. Throws as `ApiClient.call` does; pages that expired midway are begun anew once.
 */
export async function list(
  client: Pick<ApiClient, "call">,
  request: Pick<ApiRequest, "path" | "accept">,
  selection: Selection,
  signal: AbortSignal,
): Promise<Listed> {
  try {
    return await listOnce(client, request, selection, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 410) return listOnce(client, request, selection, signal);
    throw error;
  }
}

async function listOnce(
  client: Pick<ApiClient, "call">,
  request: Pick<ApiRequest, "path" | "accept">,
  selection: Selection,
  signal: AbortSignal,
): Promise<Listed> {
  const resources: Resource[] = [];
  let resourceVersion = "";
  for await (const page of pages(client, request, selection, signal)) {
    resources.push(...page.resources);
    ({ resourceVersion } = page);
  }
  return { resources, resourceVersion };
}

/** No page is asked for before the one before it has been taken. Throws as `list` does, also for pages that expired. */
export async function* pages(
  client: Pick<ApiClient, "call">,
  request: Pick<ApiRequest, "path" | "accept">,
  selection: Selection,
  signal: AbortSignal,
): AsyncGenerator<Listed, void, undefined> {
  const breathe = createYieldIfLong();
  let token = "";
  do {
    const query = { ...selection, limit: String(pageSize), ...(token === "" ? {} : { continue: token }) };
    const { body } = await client.call({ ...request, method: "GET", query }, signal);
    const { items, metadata } = isRecord(body) ? body : {};
    if (!Array.isArray(items) || !isRecord(metadata)) throw new ApiUnreachableError(`GET ${request.path}`, unreadable);
    const resources: Resource[] = [];
    for (const item of items) {
      resources.push(toResource(item));
      await breathe();
    }
    yield { resources, resourceVersion: String(metadata["resourceVersion"]) };
    token = typeof metadata["continue"] === "string" ? metadata["continue"] : "";
  } while (token !== "");
}
