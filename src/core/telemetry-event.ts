/**
 * What happens, as data: the one thing that log lines and metrics are made from, so that they cannot disagree.
 *
 * No event holds a secret, a body, an expanded URL, or text that a server sent.
 */
import type { EgressLabel } from "./egress.ts";
import type { FailureReason } from "./outcome.ts";
import type { Verdict } from "./plan.ts";
import type { RemoteChange } from "./remote-changes.ts";

/** The reconcile in which something happened: it stands in each line of the log about its object. */
export interface ReconcileContext {
  readonly reconcileId: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Why the key was due. */
  readonly why: string;
  /** Once it is known which attempt is being made, or was. */
  attemptId?: string | undefined;
}

export type RunInContext = <T>(context: ReconcileContext, work: () => T) => T;

export type TelemetryEvent =
  /** One reconcile ended. `error`: nothing could be decided, and it will be tried again. */
  | {
      readonly type: "reconciled";
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
      readonly durationMs: number;
      readonly result: Verdict["result"] | "conflict" | "postponed" | "error" | "gone";
      readonly reason: string;
      /** The message of the condition Ready, where something has changed. */
      readonly detail?: string;
      readonly reconcileId?: string;
      readonly why?: string;
      readonly attemptId?: string | undefined;
      readonly error?: unknown;
      /** A mistake in this program: a plan threw, or a reconcile did not end. */
      readonly panicked?: true;
    }
  /** One request went out, or tried to. Exactly one of `statusCode` and `reason`. */
  | {
      readonly type: "exchanged";
      /** `namespace/name`, of a ClusterHTTPEndpoint `/name`; absent: it has none. */
      readonly endpoint?: string | undefined;
      readonly method: string;
      readonly namespace: string;
      readonly name: string;
      readonly durationMs: number;
      readonly statusCode?: number;
      readonly reason?: FailureReason;
      /** Of a failure what the condition says of it. */
      readonly detail?: string;
      readonly sizeBytes?: number;
    }
  /**
   * A request was sent once more: on a new connection, `unsent` where nothing of it had left or the server has not looked at it;
   * or with a new credential, after a 401.
   */
  | { readonly type: "retried"; readonly reason: "stale" | "unsent" | "credential" }
  /** A redirect was followed. */
  | { readonly type: "redirected"; readonly statusCode: number }
  /** A response that nobody read was closed for an exchange that waited, in the budget of its reconcile or of its origin. */
  | { readonly type: "responseCancelled"; readonly reason: "reconcile" | "origin" }
  /** A request was not sent, or a redirect not followed, since a rule of egress denies it. */
  | { readonly type: "egressDenied"; readonly rule: EgressLabel; readonly namespace: string; readonly name: string }
  /** Something has come about with the remote object of an HTTPResource. */
  | RemoteChange
  | { readonly type: "clientAcquired"; readonly result: "created" | "reused" }
  | { readonly type: "socketOpened" }
  | { readonly type: "socketClosed" }
  /** A watch is connected and events flow. */
  | { readonly type: "watchConnected"; readonly resource: string }
  | {
      readonly type: "watchEnded";
      readonly resource: string;
      readonly reason: WatchEndReason;
      readonly sessionDurationSecs: number;
      /** Milliseconds until it is opened again. */
      readonly delayMs: number;
      readonly error?: unknown;
    }
  | {
      readonly type: "listed";
      readonly resource: string;
      readonly count: number;
      readonly durationMs: number;
      readonly reason: "start" | "expired";
    }
  /** One call to the API server. `code`: the status, or what went wrong. */
  | { readonly type: "apiCalled"; readonly method: string; readonly code: string; readonly host: string }
  /** Something to tell the operator that is neither of the above. `message` is constant text. */
  | {
      readonly type: "note";
      readonly level: "info" | "warn" | "error";
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly error?: unknown;
    };

export type WatchEndReason = "closed" | "silent" | "expired" | "throttled" | "refused" | "network" | "listFailed";

export type EmitTelemetry = (event: TelemetryEvent) => void;
