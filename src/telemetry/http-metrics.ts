/** Metrics of what is sent: requests and how they ended, clients, and sockets down to the kernel's own count. */
import { egressLabels } from "../core/egress.ts";
import { failureReasons } from "../core/outcome.ts";
import { latencySecs, type Instruments } from "./instruments.ts";
import { readTcpStates, tcpStates } from "./tcp-sockets.ts";

/** Any other is `other`: a label has few values. */
const methods: readonly string[] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "other"];
export function methodLabel(method: string): string {
  return methods.includes(method) ? method : "other";
}

const codeClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** What is read at each scrape. */
export interface HTTPSources {
  clients(): number;
  sockets(): { active: number; idle: number };
  requestsInFlight(): number;
  requestsQueued(): number;
}

/** `sources`: undefined where nothing is sent yet. */
export function createHTTPMetrics({ counter, histogram, gauge }: Instruments, sources: () => HTTPSources | undefined) {
  gauge("holdfast_http_clients", "Clients in the Map.", [], (g) => g.set(sources()?.clients() ?? 0));
  gauge("holdfast_http_sockets", "Open sockets to origins and proxies.", ["state"], (g) => {
    const { active, idle } = sources()?.sockets() ?? { active: 0, idle: 0 };
    g.set({ state: "active" }, active);
    g.set({ state: "idle" }, idle);
  });
  gauge("holdfast_tcp_sockets", "TCP sockets of the whole network namespace, from the kernel's table.", ["state"], async (g) => {
    const counts = await readTcpStates();
    for (const state of tcpStates) g.set({ state }, counts.get(state) ?? 0);
  });
  gauge("holdfast_http_requests_in_flight", "Requests whose answer has not been read to its end.", [], (g) =>
    g.set(sources()?.requestsInFlight() ?? 0),
  );
  gauge(
    "holdfast_http_requests_queued",
    "Requests of reconciles under way that wait for a connection, a place at their origin, or their turn.",
    [],
    (g) => g.set(sources()?.requestsQueued() ?? 0),
  );
  const requests = counter(
    "holdfast_http_requests_total",
    "Requests that ended: `code` is the status class, or `reason` why there is none.",
    { method: [], code: [], reason: [] },
  );
  for (const method of methods) {
    for (const code of codeClasses) requests.inc({ method, code, reason: "" }, 0);
    for (const reason of failureReasons) requests.inc({ method, code: "", reason }, 0);
  }
  return {
    requests,
    requestTime: histogram(
      "holdfast_http_request_duration_seconds",
      "From the request to the last byte of its answer.",
      latencySecs,
      { method: methods },
    ),
    acquisitions: counter("holdfast_http_client_acquisitions_total", "Clients asked of the Map, by whether one was there.", {
      result: ["created", "reused"],
    }),
    socketsOpened: counter("holdfast_http_sockets_opened_total", "Sockets opened to origins and proxies."),
    socketsClosed: counter("holdfast_http_sockets_closed_total", "Sockets to origins and proxies that closed."),
    retries: counter(
      "holdfast_http_retries_total",
      "Requests sent once more at once, for a dead connection or a newer credential, by why.",
      {
        reason: ["stale", "unsent", "credential"],
      },
    ),
    redirects: counter("holdfast_http_redirects_total", "Redirects that were followed, by status code.", {
      code: ["301", "302", "303", "307", "308"],
    }),
    responsesCancelled: counter(
      "holdfast_http_responses_cancelled_total",
      "Responses that nobody read and that were closed for an exchange that waited, by whose limit it was.",
      { reason: ["reconcile", "origin"] },
    ),
    egressDenied: counter(
      "holdfast_egress_denied_total",
      "Requests that were not sent, and redirects not followed, by the rule of egress.",
      { rule: egressLabels },
    ),
  };
}
