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
import { createHolding, type Holding, type MemoryShares } from "./limits/memory-shares.ts";
import { createReconcileGate, type Gates } from "./limits/reconcile-gate.ts";
import type { Prepare, Ready } from "./prepare.ts";
import { orRefusal } from "./refusal.ts";
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
  const { credentials, sendOptions } = deps;
  const { resource, mayStart, waitFor, lane } = reconciling;
  const ends = new DisposableStack();
  const gate = ends.use(createReconcileGate({ owner: resource, lane, limitMs: deps.limitMs, waitFor }, deps.gates));
  const budget = ends.use(createBudget(deps.budget));
  const waits = { lend: <T>(awaited: Promise<T>) => waitFor(awaited, 0), onShare: gate.hurry };
  const holding = ends.use(createHolding(deps.memory, deps.namespaceOf(resource), waits));

  async function prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<HTTPPrepared | Busy> {
    using held = new DisposableStack();
    const inputs = await resolveInputs(exchange.scope.inputs, read);
    const { auth, sign, ...ready } = await deps.prepare(exchange, inputs, read, signal);
    const { request, settings } = ready.first;
    held.use(await holding.body(request.body, signal));
    const pass = gate.circuit(exchange);
    if (pass?.type === "busy") return pass;
    const context = { settings, mayStart, mayWait: gate.hasBegun, signal };
    const credential = await credentialOf(credentials, exchange, { auth, sign }, context);
    if (credential && "free" in credential) return credential;
    const busy = await gate.place(request.origin, exchange, signal);
    if (busy) return busy;
    const turn = gate.turn(request.origin, exchange);
    const sending: Chained = {
      ...ready,
      secrets: () => addKept(ready.secrets(), credential?.secrets() ?? []),
      ...(credential && { credential }),
      ...(turn && { turn }),
      mayStart,
      waitFor,
      moved: gate.moved,
      lane,
    };
    const inTurn: SendingParts["inTurn"] = (work) => gate.inTurn(exchange.endpoint, work);
    return createPrepared(sending, { inTurn, budget, holding, pass, sendOptions, held: held.move() });
  }
  return {
    prepare: (exchange, read, signal) => orRefusal(() => prepare(exchange, read, signal)),
    holdMuch: (signal) => holding.much(signal),
    [Symbol.dispose]: () => ends.dispose(),
  };
}

/**
 * What is added as it leaves: the endpoint's credential, the signature, the trace; `undefined`: none is declared. A credential may be a
 * query parameter, and what is signed is the path as it is sent; that of AWS is itself a signature, over all that is there.
 */
async function credentialOf(
  credentials: Credentials,
  exchange: Exchange,
  { auth, sign }: { readonly auth: Ready["auth"] | undefined; readonly sign: Ready["sign"] | undefined },
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

/** All that is sent, but for what holds its answer. */
type Chained = Omit<Sending, "mayReadLong">;
interface SendingParts {
  /** Waits for what else of its reconcile is under way, where that must be one at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly budget: Budget;
  readonly holding: Holding;
  readonly pass: Pass | undefined;
  readonly sendOptions: SendOptions;
  /** What is given back when it is disposed. */
  readonly held: DisposableStack;
}

function createPrepared(chained: Chained, { inTurn, budget, holding, pass, sendOptions, held }: SendingParts): HTTPPrepared {
  let long: Pick<Slot, "release"> | undefined;
  held.defer(() => long?.release());
  const sending: Sending = {
    ...chained,
    async mayReadLong(signal) {
      long ??= await holding.longAnswer(signal);
    },
  };
  const server = chained.place?.server ?? "the server";
  const report = (outcome: Outcome | Opened): void => pass?.report(judgeServer(outcome), failureText(outcome, server));
  return {
    type: "prepared",
    async send(signal) {
      const outcome = await inTurn(() => send(sending, budget, sendOptions, signal));
      report(outcome);
      if (outcome.type === "response") await holding.answered(outcome.response.sizeBytes, signal).catch(() => {}); // it is told all the same
      return outcome;
    },
    async open(signal) {
      const opened = await open(sending, budget, sendOptions, signal);
      report(opened);
      return opened;
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}
