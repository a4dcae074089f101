/**
 * Circuit breakers: while a server fails whoever asks it, it is left alone, but for one request now and then.
 *
 * closed: all pass. After `failures` in a row, of more than one resource, it is open: nothing passes for `openForMs`. Then
 * one may try, and the others wait for what comes of that: closed again, or open again.
 */
import type { CircuitBreakerLimits } from "../../core/connection.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Busy } from "../../core/ports.ts";

export interface Pass extends Disposable {
  readonly type: "pass";
  /** What came of the request. Disposed without it, nothing was sent. */
  report(outcome: ServerJudgement): void;
}
/** `neither`: it says nothing of the server. */
type ServerJudgement = "well" | "failed" | "neither";

export interface Circuits {
  enter(
    name: string,
    owner: string,
    limits: CircuitBreakerLimits,
  ): Pass | Busy | { readonly type: "open"; readonly retryAfterMs: number };
  readonly size: number;
}

interface Circuit {
  failures: number;
  /** Who failed, up to two of them. */
  readonly owners: Set<string>;
  openUntilMs: number | undefined;
  /** Resolves when the one that tries has ended. */
  trial: PromiseWithResolvers<void> | undefined;
}

/** `onChange` is told when a circuit opens or closes. */
export function createCircuits(
  onChange: (name: string, state: "open" | "closed") => void,
  nowMs = () => performance.now(),
): Circuits {
  const circuits = new Map<string, Circuit>();

  function close(name: string): void {
    const wasOpen = circuits.get(name)?.openUntilMs !== undefined;
    circuits.delete(name);
    if (wasOpen) onChange(name, "closed");
  }
  function countFailure(name: string, owner: string, limits: CircuitBreakerLimits): void {
    const circuit = circuits.get(name) ?? { failures: 0, owners: new Set<string>(), openUntilMs: undefined, trial: undefined };
    circuits.set(name, circuit);
    if (circuit.openUntilMs !== undefined) return; // it was on its way already
    circuit.failures += 1;
    if (circuit.owners.size < 2) circuit.owners.add(owner);
    if (circuit.failures < limits.failures || circuit.owners.size < 2) return;
    circuit.openUntilMs = nowMs() + limits.openForMs;
    onChange(name, "open");
  }

  return {
    enter(name, owner, limits) {
      const circuit = circuits.get(name);
      if (circuit?.openUntilMs === undefined) {
        return {
          type: "pass",
          report(seen) {
            if (seen === "failed") countFailure(name, owner, limits);
            else if (seen === "well") close(name);
          },
          [Symbol.dispose]() {},
        };
      }
      if (circuit.trial) return { type: "busy", reason: "CircuitHalfOpen", kept: false, free: circuit.trial.promise };
      const leftMs = circuit.openUntilMs - nowMs();
      if (leftMs > 0) return { type: "open", retryAfterMs: Math.ceil(leftMs) };
      const trial = Promise.withResolvers<void>();
      circuit.trial = trial;
      return {
        type: "pass",
        report(seen) {
          if (seen === "well") close(name);
          else if (seen === "failed") circuit.openUntilMs = nowMs() + limits.openForMs;
        },
        [Symbol.dispose]() {
          circuit.trial = undefined;
          trial.resolve();
        },
      };
    },
    get size() {
      return circuits.size;
    },
  };
}

const ofTheServer: readonly string[] = [
  "Timeout",
  "ConnectTimeout",
  "ConnectionRefused",
  "ConnectionReset",
  "NameNotResolved",
  "NetworkUnreachable",
  "TLSError",
  "CertificateInvalid",
  "InvalidResponse",
  "ResponseTooSlow",
];

/** An answer speaks well of the server unless it is 5xx. What ended on this side, by a refusal or a limit of ours, does not count. */
export function judgeServer(outcome: Outcome | { readonly type: "opened"; readonly statusCode: number }): ServerJudgement {
  switch (outcome.type) {
    case "response":
      return outcome.response.statusCode >= 500 ? "failed" : "well";
    case "opened":
      return outcome.statusCode >= 500 ? "failed" : "well";
    case "failure":
      return ofTheServer.includes(outcome.reason) ? "failed" : "neither";
    case "refusal":
      return "neither";
  }
}
