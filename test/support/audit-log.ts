/** The API server's audit log: what it was asked, by whom, as it saw it. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface AuditEvent {
  readonly user: string;
  /** The user in whose name it was asked; `""`: the user's own. */
  readonly impersonated: string;
  readonly verb: string;
  /** Plural; `""` for paths that name no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The request's path and query. */
  readonly uri: string;
  /** HTTP status. */
  readonly code: number;
  /** The role, or ClusterRole, by which it was allowed; `""`: it was not, or by no role. */
  readonly role: string;
  /** Whether the answer has ended; that of a watch is open until then. */
  readonly isComplete: boolean;
  /** When the request arrived, RFC 3339. */
  readonly at: string;
}

interface LoggedEvent {
  readonly auditID: string;
  readonly user?: { readonly username?: string };
  readonly stage: string;
  readonly impersonatedUser?: { readonly username?: string };
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/ */
  readonly annotations?: { readonly "authorization.k8s.io/reason"?: string };
}

/** Nothing that arrived so long ago is still under way: its API server was killed. */
const longestMs = 10_000;

/**
 * One entry for each request, in the order of arrival; a watch has its entry from the moment it is open.
 *
 * What a write has done can be seen by others a moment before it is in the log: this waits for the writes that are under way.
 */
export async function readAuditLog(path: string): Promise<readonly AuditEvent[]> {
  const read = async (): Promise<ReadonlyMap<string, LoggedEvent>> => {
    const lines = (await readFile(path, "utf8")).split("\n");
    lines.pop(); // what follows the last newline is empty, or a line still being written
    const events = lines.map((line) => JSON.parse(line) as LoggedEvent);
    return new Map(events.map((event) => [event.auditID, event])); // in the place of its first stage, with its last
  };
  const isUnderWay = (event: LoggedEvent | undefined): boolean =>
    event?.stage === "RequestReceived" && Date.now() - Date.parse(event.requestReceivedTimestamp) < longestMs;
  let events = await read();
  const begun = [...events.values()].filter(isUnderWay);
  while (begun.some(({ auditID }) => isUnderWay(events.get(auditID)))) {
    await sleep(20);
    events = await read();
  }
  return [...events.values()].filter(({ stage }) => stage !== "RequestReceived").map(simplified);
}

function simplified(event: LoggedEvent): AuditEvent {
  const { resource = "", subresource = "", namespace = "", name = "" } = event.objectRef ?? {};
  return {
    user: event.user?.username ?? "",
    impersonated: event.impersonatedUser?.username ?? "",
    verb: event.verb,
    resource,
    subresource,
    namespace,
    name,
    uri: event.requestURI,
    code: event.responseStatus?.code ?? 0,
    role: / of (?:Cluster)?Role "([^"]*)"/.exec(event.annotations?.["authorization.k8s.io/reason"] ?? "")?.[1] ?? "",
    isComplete: event.stage === "ResponseComplete",
    at: event.requestReceivedTimestamp,
  };
}

/** What an audit log needs: one line a request, and one for the arrival of what may write. */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - {level: Metadata, verbs: [get, list, watch], omitStages: [RequestReceived]}
  - {level: Metadata}
`;
