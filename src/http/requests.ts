/**
 * The requests of one reconcile: prepared, and sent within its budget, its memory and what its gate lets pass.
 *
 * Invariant: before an exchange may be sent it is whole, its circuit is closed, its credential is known and it has its place;
 * who lacks one of these is told so with nothing sent. What an exchange holds is given back where it is not prepared after all.
 */
import { randomUUID } from "node:crypto";
import type { Exchange } from "../core/exchange.ts";
import type { Lane } from "../core/lane.ts";
import { addKept } from "../core/mask-secrets.ts";
import type { Outcome, Refusal } from "../core/outcome.ts";
import type { Busy, Prepared, Read, Requests, WaitFor } from "../core/ports.ts";
import type { Credential } from "./credentials/credential.ts";
import type { CredentialContext } from "./credentials/context.ts";
import type { Credentials } from "./credentials/credentials.ts";
import { createSigner, inOrder } from "./credentials/signature.ts";
import { createTraceContext } from "./credentials/trace-context.ts";
import { createBudget, type Budget, type BudgetLimits, type Slot } from "./limits/budget.ts";
import { failureText, judgeServer, type Pass } from "./limits/circuits.ts";
import { createHolding, type Holding, type HoldingWaits, type MemoryShares } from "./limits/memory-shares.ts";
import { createReconcileGate, type Gates, type ReconcileGate } from "./limits/reconcile-gate.ts";
import type { Prepare, Ready } from "./prepare.ts";
import { RefusedError } from "./refusal.ts";
import { hideAdminDetails } from "./resolve/connection.ts";
import { resolveInputs } from "./resolve/inputs.ts";
import { open, send, type Failed, type Opened, type SendOptions, type Sending } from "./send/send.ts";

export interface RequestsDeps {
  readonly prepare: Prepare;
  readonly credentials: Credentials;
  readonly gates: Gates;
  readonly memory: MemoryShares;
  readonly budget: BudgetLimits;
  /** Limit on one reconcile, milliseconds. */
  readonly limitMs: number;
  readonly sendOptions: SendOptions;
  readonly namespaceOf: (resource: string) => string;
}
/** The reconcile that they are of, as `Requester.begin` is told of it. */
export interface Reconciling {
  readonly resource: string;
  readonly mayStart: () => boolean;
  readonly waitFor: WaitFor;
  readonly lane: Lane;
}

export interface HTTPPrepared extends Prepared {
  /** Sends it, and leaves the answer's content to be read later. */
  open(signal: AbortSignal): Promise<Opened | Failed>;
}
export interface HTTPRequests extends Requests {
  prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<HTTPPrepared | Refusal | Busy>;
}

export function createRequests(deps: RequestsDeps, reconciling: Reconciling): HTTPRequests {
  return new ReconcileRequests(deps, reconciling);
}

/** A class, as what it prepares is: each reconcile has one. */
class ReconcileRequests implements HTTPRequests, HoldingWaits {
  readonly deps: RequestsDeps;
  readonly reconciling: Reconciling;
  readonly gate: ReconcileGate;
  readonly budget: Budget;
  readonly holding: Holding;
  #hasEnded = false;

  constructor(deps: RequestsDeps, reconciling: Reconciling) {
    const { resource: owner, lane, waitFor } = reconciling;
    this.deps = deps;
    this.reconciling = reconciling;
    this.gate = createReconcileGate({ owner, lane, limitMs: deps.limitMs, waitFor }, deps.gates);
    this.budget = createBudget(deps.budget);
    this.holding = createHolding(deps.memory, deps.namespaceOf(owner), this);
  }

  async prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<HTTPPrepared | Refusal | Busy> {
    let body: Disposable | undefined;
    let prepared: HTTPPrepared | undefined;
    try {
      const resolving = resolveInputs(exchange.scope.inputs, read);
      const inputs = resolving instanceof Promise ? await resolving : resolving;
      const preparing = this.deps.prepare(exchange, inputs, read, signal);
      const ready = preparing instanceof Promise ? await preparing : preparing;
      const holding = this.holding.body(ready.first.request.body, signal);
      body = holding instanceof Promise ? await holding : holding;
      const pass = this.gate.circuit(exchange);
      if (pass?.type === "busy") return pass;
      const finding = this.#credentialOf(exchange, ready, signal);
      const credential = finding instanceof Promise ? await finding : finding;
      if (credential && "free" in credential) return credential;
      const entering = this.gate.place(ready.first.request.origin, exchange, signal);
      const busy = entering instanceof Promise ? await entering : entering;
      if (busy) return busy;
      prepared = new ReconcilePrepared(this, { exchange, ready, body, credential, pass });
      return prepared;
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal;
      throw error;
    } finally {
      if (!prepared) body?.[Symbol.dispose]();
    }
  }
  lend<T>(awaited: Promise<T>): Promise<T> {
    return this.reconciling.waitFor(awaited, 0);
  }
  onShare(): void {
    this.gate.hurry();
  }
  readonly holdMuch = (signal: AbortSignal): Promise<void> => this.holding.much(signal);
  /** Has no effect the second time: what is kept for its resource by then is for the next reconcile. */
  [Symbol.dispose](): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    try {
      this.holding[Symbol.dispose]();
    } finally {
      try {
        this.budget[Symbol.dispose]();
      } finally {
        this.gate[Symbol.dispose]();
      }
    }
  }

  #credentialOf(
    exchange: Exchange,
    { auth, sign, first }: Ready,
    signal: AbortSignal,
  ): Credential | Busy | undefined | Promise<Credential | Busy | undefined> {
    if (!auth && !sign && !exchange.traces) return undefined;
    const { settings } = first;
    const context = { settings, mayStart: this.reconciling.mayStart, mayWait: this.gate.hasBegun, signal };
    return credentialOf(this.deps.credentials, exchange, { auth, sign }, context);
  }
}

/**
 * What is added as it leaves: the endpoint's credential, the signature, the trace. A credential may be a query parameter, and what is
 * signed is the path as it is sent; that of AWS is itself a signature, over all that is there.
 */
async function credentialOf(
  credentials: Credentials,
  exchange: Exchange,
  { auth, sign }: Pick<Ready, "auth" | "sign">,
  { mayWait, signal, ...context }: ProofContext,
): Promise<Credential | Busy | undefined> {
  const { endpoint, scope } = exchange;
  const { namespace } = scope.metadata;
  const asked = { namespace, mayWait, signal };
  const proof =
    auth && endpoint && (await hideAdminDetails(exchange, () => credentials.of(auth, { endpoint, ...context }, asked)));
  if (proof && "free" in proof) return proof;
  if (!proof && !sign && !exchange.traces) return undefined;
  const id = exchange.attemptId ?? randomUUID();
  const signer = sign && createSigner(sign, id);
  const both = auth?.type === "awsSigV4" ? [signer, proof] : [proof, signer];
  return inOrder([...both, exchange.traces ? createTraceContext(id) : undefined]);
}
interface ProofContext extends Omit<CredentialContext, "endpoint"> {
  readonly mayWait: boolean;
  readonly signal: AbortSignal;
}

interface PreparedParts {
  readonly exchange: Exchange;
  readonly ready: Ready;
  /** What the body holds, given back with it. */
  readonly body: Disposable;
  readonly credential: Credential | undefined;
  readonly pass: Pass | undefined;
}

class ReconcilePrepared implements HTTPPrepared {
  readonly type = "prepared";
  readonly #requests: ReconcileRequests;
  readonly #parts: PreparedParts;
  readonly #sending: Sending;
  /** The turn to hold a long answer. */
  #long: Pick<Slot, "release"> | undefined;
  #hasEnded = false;

  constructor(requests: ReconcileRequests, parts: PreparedParts) {
    const { gate, holding, reconciling } = requests;
    const { exchange, ready, credential } = parts;
    const { mayStart, waitFor, lane } = reconciling;
    this.#requests = requests;
    this.#parts = parts;
    // Field by field: to copy an object and add to it takes longer than all of its fields.
    this.#sending = {
      first: ready.first,
      template: ready.template,
      maxRedirects: ready.maxRedirects,
      hidden: ready.hidden,
      placeNow: ready.placeNow,
      metadata: ready.metadata,
      endpoint: ready.endpoint,
      freshAfterMs: ready.freshAfterMs,
      secrets: credential ? () => addKept(ready.secrets(), credential.secrets()) : ready.secrets,
      credential,
      turn: gate.turn(ready.first.request.origin, exchange),
      mayStart,
      waitFor,
      moved: () => gate.moved(),
      lane,
      mayReadLong: async (signal) => void (this.#long ??= await holding.longAnswer(signal)),
    };
  }

  async send(signal: AbortSignal): Promise<Outcome> {
    const { gate, budget, holding, deps } = this.#requests;
    const { endpoint } = this.#parts.exchange;
    const outcome = await gate.inTurn(endpoint, () => send(this.#sending, budget, deps.sendOptions, signal));
    this.#report(outcome);
    const holdsMuch = outcome.type === "response" ? holding.answered(outcome.response.sizeBytes, signal) : undefined;
    if (holdsMuch) await holdsMuch.catch(() => {}); // it is told all the same
    return outcome;
  }
  async open(signal: AbortSignal): Promise<Opened | Failed> {
    const opened = await open(this.#sending, this.#requests.budget, this.#requests.deps.sendOptions, signal);
    this.#report(opened);
    return opened;
  }
  [Symbol.dispose](): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    try {
      this.#long?.release();
    } finally {
      this.#parts.body[Symbol.dispose]();
    }
  }

  #report(outcome: Outcome | Opened): void {
    const { ready, pass } = this.#parts;
    pass?.report(judgeServer(outcome), failureText(outcome, ready.placeNow?.().server ?? "the server"));
  }
}
