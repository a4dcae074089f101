/** Says which kinds cannot be served, and that they can again: once each time that it changes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { KubernetesStore } from "../../kubernetes/store.ts";

/** Soon enough for whoever has installed a CRD a moment ago. */
const pauseMs = 2_000;

/** Until `signal` aborts. */
export async function tellMissing(
  store: Pick<KubernetesStore, "readiness">,
  emit: EmitTelemetry,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>();
  while (!signal.aborted) {
    for (const { resource, ready, text } of store.readiness()) {
      const problem = ready || !text.startsWith("waiting") ? "" : text;
      if (problem === (told.get(resource) ?? "")) continue;
      told.set(resource, problem);
      if (problem === "" && !ready) continue;
      const [level, message] =
        problem === "" ? (["info", "a kind is served"] as const) : (["warn", "a kind cannot be served"] as const);
      emit({ type: "note", level, message, fields: { resource, ...(problem !== "" && { why: problem }) } });
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // told to stop
  }
}
