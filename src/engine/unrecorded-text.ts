/** What is said, and kept, of a status that cannot be written. Pure. */
import type { Attempt } from "../core/delivery.ts";
import type { Finalizer, Resource, ResourceType } from "../core/resource.ts";
import { isRecord } from "../core/tools/json.ts";

/** What a status can do without: what people look at, and no decision is made by. */
const dispensable: readonly string[] = ["response", "history"];

/** The same status, of an object that has no room for all of it. Items of a run that is over are not needed either. */
export function shrinkStatus(status: object): object {
  const isDone = attemptOf(status)?.phase === "Done";
  return Object.fromEntries(
    Object.entries(status).filter(([name]) => !dispensable.includes(name) && !(isDone && name === "items")),
  );
}

function attemptOf(status: object): Partial<Attempt> | undefined {
  const { attempt }: { readonly attempt?: unknown } = status;
  return isRecord(attempt) ? attempt : undefined;
}

/** As fields of a log line: which object and attempt, its outcome, and on request the command by which a person records it. */
export function describeUnrecorded(
  type: ResourceType,
  resource: Resource,
  status: object,
  { finalizer, withCommand = false }: { readonly finalizer?: Finalizer | undefined; readonly withCommand?: boolean } = {},
): Readonly<Record<string, unknown>> {
  const { namespace, name, uid } = resource.metadata;
  const { id, tries } = attemptOf(status) ?? {};
  const ready = "conditions" in status && Array.isArray(status.conditions) ? status.conditions.find(isReady) : undefined;
  return {
    kind: type.kind,
    namespace,
    name,
    uid,
    ...(id !== undefined && { attemptId: id }),
    ...(tries !== undefined && { tries }),
    ...(isRecord(ready) && { outcome: ready["reason"] }),
    ...(withCommand && { command: kubectlCommand(type, resource, status, finalizer) }),
  };
}
function isReady(condition: unknown): boolean {
  return isRecord(condition) && condition["type"] === "Ready";
}

/** `count`: how many of the statuses that cannot be written hold the outcome of a request. */
export function describeProblem(count: number, forSecs: number, error: unknown): string {
  const kept = count > 0 ? `, of which ${count} tell what came of requests,` : "";
  return `statuses${kept} cannot be written, for ${Math.round(forSecs)} s: ${Error.isError(error) ? error.message : String(error)}`;
}

/** It lands on this object only, and over nobody else's attempt. */
function kubectlCommand(
  type: ResourceType,
  { metadata, status: before }: Resource,
  status: object,
  finalizer?: Finalizer,
): string {
  const isSame = { op: "test", path: "/metadata/uid", value: metadata.uid };
  const place = metadata.finalizers?.indexOf(finalizer?.name ?? "") ?? -1;
  const isRelease = finalizer?.present === false && place !== -1;
  const { id } = attemptOf(before ?? {}) ?? {};
  const path = `/metadata/finalizers/${place}`;
  const patch = isRelease
    ? [isSame, { op: "test", path, value: finalizer.name }, { op: "remove", path }]
    : [
        isSame,
        ...(id === undefined ? [] : [{ op: "test", path: "/status/attempt/id", value: id }]),
        { op: "add", path: "/status", value: shrinkStatus(status) },
      ];
  const what = `${type.plural}.${type.group} ${metadata.name}`;
  const where = metadata.namespace === "" ? "" : ` --namespace=${metadata.namespace}`;
  const part = isRelease ? "" : " --subresource=status";
  return `kubectl patch ${what}${where}${part} --type=json -p '${JSON.stringify(patch).replaceAll("'", "'\\''")}'`;
}
