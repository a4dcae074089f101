/**
 * `holdfast resend`: has HTTPRequests sent again that did not end as declared, one after the other.
 *
 * Invariant: it sends nothing itself. Each is asked for by an annotation, under the resourceVersion that was listed: what has
 * changed since is left alone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { keyText, reconcileAtAnnotation } from "../core/resource.ts";
import { httpRequestType, type HTTPRequest } from "../kinds/types.ts";
import { createApiClient, type ApiClient } from "../kubernetes/api-client.ts";
import { ApiError, isNotFound, isWriteConflict } from "../kubernetes/api-error.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import { list } from "../kubernetes/listing.ts";
import { collectionPath, objectPath } from "../kubernetes/paths.ts";
import { deadLetters, type Letter } from "./dead-letters.ts";
import type { ResendSettings } from "./resend-settings.ts";
import { version } from "./version.ts";

/** Returns the exit code: 1 where one could not be asked for. */
export async function resendRequests(names: readonly string[], settings: ResendSettings): Promise<number> {
  const loadKube = (): ReturnType<typeof loadKubeConfig> => loadKubeConfig(settings.kubeconfig);
  await using client = createApiClient({ loadKubeConfig: loadKube, emit: () => {}, userAgent: `holdfast/${version}` });
  const { signal } = new AbortController();
  const query = settings.selector === undefined ? {} : { labelSelector: settings.selector };
  const { resources } = await list(client, { path: collectionPath(httpRequestType, settings.namespace) }, query, signal);
  const letters = deadLetters(resources as HTTPRequest[], names, settings);
  const unknown = letters.filter(({ isUnknown }) => isUnknown);
  const chosen = settings.unknown ? letters : letters.filter(({ isUnknown }) => !isUnknown);
  let [asked, failed] = [0, 0];
  for (const letter of chosen) {
    const said = settings.dryRun ? "would be sent again" : await ask(client, letter, signal);
    if (said === "is sent again" || settings.dryRun) asked += 1;
    else failed += 1;
    process.stdout.write(`${keyText(letter.request.metadata)}  ${letter.reason}  ${said}\n`);
    if (!settings.dryRun) await sleep(1_000 / settings.perSecond);
  }
  if (!settings.unknown)
    for (const { request, reason } of unknown)
      process.stdout.write(`${keyText(request.metadata)}  ${reason}  left: it may have arrived; --unknown sends it again\n`);
  process.stdout.write(`${asked} of ${resources.length} HTTPRequests ${settings.dryRun ? "would be" : "are"} sent again\n`);
  return failed > 0 || names.some((name) => !resources.some(({ metadata }) => metadata.name === name)) ? 1 : 0;
}

/** For people, what came of it. */
async function ask(client: ApiClient, { request }: Letter, signal: AbortSignal): Promise<string> {
  const { uid, resourceVersion } = request.metadata;
  const annotations = { [reconcileAtAnnotation]: new Date().toISOString() };
  const body = { metadata: { uid, resourceVersion, annotations } };
  const path = objectPath(httpRequestType, request.metadata);
  try {
    await client.call({ method: "PATCH", path, body, contentType: "application/merge-patch+json" }, signal);
    return "is sent again";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (isNotFound(error) || isWriteConflict(error)) return "left: it has changed since it was listed";
    return `not asked for: ${error.message}`;
  }
}
