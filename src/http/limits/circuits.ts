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
  /** What came of the request; `why`: for people. Disposed without it, nothing was sent. */
  report(outcome: ServerJudgement, why?: string): void;
}
/** `neither`: it says nothing of the server. */
type ServerJudgement = "well" | "failed" | "neither";

export interface Circuits {
  enter(name: string, owner: string, limits: CircuitBreakerLimits): Pass | Busy | Open;
  readonly size: number;
}

/** `why`: the latest failure. */
interface Open {
  readonly type: "open";
  readonly retryAfterMs: number;
  readonly why: string | undefined;
}

interface Circuit {
  failures: number;
  why: string | undefined;
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
  function circuitOf(name: string): Circuit {
    const circuit = circuits.get(name) ?? {
      failures: 0,
      why: undefined,
      owners: new Set<string>(),
      openUntilMs: undefined,
      trial: undefined,
    };
    circuits.set(name, circuit);
    return circuit;
  }
  function countFailure(circuit: Circuit, name: string, owner: string, limits: CircuitBreakerLimits): void {
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
          report(seen, why) {
            if (seen === "failed") countFailure(failed(circuitOf(name), why), name, owner, limits);
            else if (seen === "well") close(name);
          },
          [Symbol.dispose]() {},
        };
      }
      if (circuit.trial) return { type: "busy", reason: "CircuitHalfOpen", kept: false, free: circuit.trial.promise };
      const leftMs = circuit.openUntilMs - nowMs();
      if (leftMs > 0) return { type: "open", retryAfterMs: Math.ceil(leftMs), why: circuit.why };
      const trial = Promise.withResolvers<void>();
      circuit.trial = trial;
      return {
        type: "pass",
        report(seen, why) {
          if (seen === "well") close(name);
          else if (seen === "failed") failed(circuit, why).openUntilMs = nowMs() + limits.openForMs;
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

function failed(circuit: Circuit, why: string | undefined): Circuit {
  circuit.why = why;
  return circuit;
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

/** What came of a request that failed so, for people: of an answer who gave it, and its status. */
export function failureText(
  outcome: Outcome | { readonly type: "opened"; readonly statusCode: number },
  server: string,
): string | undefined {
  switch (outcome.type) {
    case "response":
      return `${server} answered ${outcome.response.statusCode}`;
    case "opened":
      return `${server} answered ${outcome.statusCode}`;
    case "failure":
      return outcome.message;
    case "refusal":
      return undefined;
  }
}
