/** Metrics of calls to the API server and of watches, whose resources are known only once there is one. */
import type { Instruments } from "./instruments.ts";

export interface WatchSource {
  readonly resource: string;
  /** Seconds since the API server was last heard on it. */
  readonly silentSecs: number;
}

const sessionSecs = [1, 10, 60, 300, 1800, 3600];

export function createKubernetesMetrics({ counter, histogram, gauge }: Instruments, watches: () => readonly WatchSource[]) {
  const age = "Seconds since the API server was last heard on a watch; on the most silent where each namespace has its own.";
  gauge("holdfast_watch_last_event_age_seconds", age, ["resource"], (g) => {
    const longest = new Map<string, number>();
    for (const { resource, silentSecs } of watches()) longest.set(resource, Math.max(silentSecs, longest.get(resource) ?? 0));
    for (const [resource, silentSecs] of longest) g.set({ resource }, silentSecs);
  });
  return {
    apiRequests: counter("rest_client_requests_total", "Calls to the API server.", { code: [], method: [], host: [] }),
    watchSessions: counter("holdfast_watch_sessions_total", "Watch sessions that ended, by why.", { resource: [], reason: [] }),
    watchTime: histogram("holdfast_watch_session_duration_seconds", "How long a watch session lasted.", sessionSecs, {
      resource: [],
    }),
    relists: counter("holdfast_relists_total", "Full listings, by why.", { resource: [], reason: [] }),
  };
}
