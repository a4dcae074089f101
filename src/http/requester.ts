/** Exchanges over undici: the `Requester` of the ports. Secrets are resolved here, and nowhere else. */
import type { Evaluation, ListEvaluation, Scope } from "../core/evaluation.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Located } from "../core/request-template.ts";
import type { Sealed } from "../core/sealed.ts";
import { parseJSON } from "../core/json.ts";
import type { RecordOccurrence } from "../core/occurrence.ts";
import { bytesInBody, templatesOf } from "../core/templating.ts";
import type { Busy, Evaluator, Prepared, Read, Requester, Requests } from "../core/ports.ts";
import { createAdmissions } from "./admissions.ts";
import type { AuthSettings } from "./auth.ts";
import { createBudget, createBudgets } from "./budget.ts";
import { createCircuits, seenIn } from "./circuits.ts";
import type { ClientPool } from "./client-pool.ts";
import type { ClientSettings } from "./client-settings.ts";
import { compared, templatesOfJSON } from "./compare.ts";
import { createConnectionUse } from "./connection-use.ts";
import { discreet, resolveConnection } from "./connection.ts";
import { shownWith } from "./credential.ts";
import { createCredentials, type CredentialsOptions } from "./credentials.ts";
import { readBytes, secretTexts } from "./bytes.ts";
import { documentText, objectText } from "./document.ts";
import { compileAll, evaluateAll } from "./evaluate.ts";
import { inputsDigest } from "./inputs-digest.ts";
import { listItems } from "./list-items.ts";
import { atLocation } from "./location.ts";
import { readsElsewhere, resolveInputs, secretValues, type Inputs } from "./inputs.ts";
import { outputValues } from "./outputs.ts";
import { createEgress, type Egress } from "./egress.ts";
import { denialIn } from "./egress-connector.ts";
import { maskedValues } from "./masked-values.ts";
import { egressRefusal } from "./egress-refusal.ts";
import { healingRefusals, orRefusal, RefusedError } from "./refusal.ts";
import { described, expressionsIn, expressionsOf, rendered, type Described, type WireRequest } from "./render.ts";
import { createPassage, type Gates } from "./gates.ts";
import { createRateLimits } from "./rate-limits.ts";
import { checkTls } from "./tls.ts";
import { createTokenSender, tokenTimeoutMs } from "./token-sender.ts";
import { open, send, type Failed, type Opened, type SendOptions, type Sending } from "./send.ts";

export interface RequesterOptions {
  readonly clients: ClientPool;
  readonly evaluator: Evaluator;
  readonly record: RecordOccurrence;
  readonly maxResponseBytes: number;
  /** For requests that declare none. */
  readonly userAgent: string;
  /** Where requests may go; without it to public addresses. */
  readonly egress?: Egress;
  /** `namespace`: no two namespaces share a socket. */
  readonly clientIsolation?: "none" | "namespace";
  readonly maxInFlightPerReconcile?: number;
  readonly maxExchangesPerReconcile?: number;
  /** Reconciles at one origin, and exchanges in flight to it. */
  readonly maxInFlightPerOrigin?: number;
  /** Of a response's content, in each stretch of `rateWindowMs`. 0: any. */
  readonly minBytesPerSecond?: number;
  readonly rateWindowMs?: number;
  readonly redirectDrainBytes?: number;
  /** Told each value that an answer gives a Secret. */
  readonly onSecretOutput?: (value: string) => void;
  /** Where tokens of ServiceAccounts come from; without it nowhere. */
  readonly serviceAccountToken?: CredentialsOptions["serviceAccountToken"];
  /** Is told each token that was made for this process. */
  readonly onSecret?: (value: string) => void;
}
export interface HTTPPrepared extends Prepared {
  /** Sends it, and leaves the answer's content to be read later. */
  open(signal: AbortSignal): Promise<Opened | Failed>;
}
export interface HTTPRequests extends Requests {
  prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<HTTPPrepared | Refusal | Busy>;
}
export interface HTTPRequester extends Requester, Disposable {
  begin(resource: string, mayStart?: () => boolean): HTTPRequests;
  /** What would be sent, with three asterisks for each secret; nothing is sent. */
  describe(exchange: Exchange, read: Read, signal: AbortSignal): Promise<({ readonly type: "described" } & Described) | Refusal>;
}

export function createRequester(options: RequesterOptions): HTTPRequester {
  const { clients, evaluator, userAgent, record } = options;
  const { maxInFlightPerReconcile = 6, maxExchangesPerReconcile = 50, maxInFlightPerOrigin = 10 } = options;
  const { minBytesPerSecond = 100, rateWindowMs = 10_000 } = options;
  const egress = options.egress ?? createEgress();
  const connections = createConnectionUse();
  const namespaceOf = (resource: string): string => resource.split("/")[1] ?? "";
  const gates: Gates = {
    admissions: createAdmissions(maxInFlightPerOrigin, namespaceOf),
    circuits: createCircuits((endpoint, state) =>
      record({ type: "note", level: "warn", message: `a circuit is ${state}`, fields: { endpoint } }),
    ),
    rateLimits: createRateLimits(namespaceOf),
  };
  const sendOptions: SendOptions = {
    clients,
    egress,
    record,
    connections,
    origins: createBudgets({
      maxInFlight: maxInFlightPerOrigin,
      onCancel: () => record({ type: "responseCancelled", reason: "origin" }),
    }),
    maxResponseBytes: options.maxResponseBytes,
    redirectDrainBytes: options.redirectDrainBytes ?? 256 * 1024,
    ...(minBytesPerSecond > 0 && { minResponseRate: { bytesPerSecond: minBytesPerSecond, windowMs: rateWindowMs } }),
  };
  const credentials = createCredentials({
    userAgent,
    sender: createTokenSender(sendOptions),
    serviceAccountToken: options.serviceAccountToken ?? (() => Promise.resolve({ type: "unsupported" })),
    onSecret: options.onSecret ?? (() => {}),
  });

  const isolated = (namespace: string): Pick<ClientSettings, "namespace"> =>
    options.clientIsolation === "namespace" ? { namespace } : {};

  /** The values of expressions by their text. */
  async function valuesOf(
    expressions: readonly Located[],
    { scope, response }: Pick<Exchange, "scope" | "response">,
    inputs: Inputs,
    signal: AbortSignal,
  ): Promise<Map<string, string>> {
    if (expressions.length === 0) return new Map();
    const open = response === undefined && secretValues(inputs).length === 0;
    const document = documentText(scope, inputs, response);
    const json = await evaluateAll(evaluator, { document, expressions, open, group: scope.metadata.namespace }, signal);
    return new Map(expressions.map(({ text }, index) => [text, json[index] ?? "null"]));
  }

  /** Throws `RefusedError`. */
  function admittedSettings(wire: WireRequest, settings: ClientSettings, metadata: Scope["metadata"]): ClientSettings {
    try {
      return egress.admit(wire, settings, metadata.namespace);
    } catch (error) {
      const denial = denialIn(error);
      throw denial ? new RefusedError(egressRefusal(denial, metadata, record)) : error;
    }
  }

  async function prepared(
    exchange: Exchange,
    inputs: Inputs,
    read: Read,
    signal: AbortSignal,
  ): Promise<Omit<Sending, "mayStart"> & { readonly auth?: AuthSettings }> {
    const { request, scope, timeoutMs, maxRedirects, repeatable } = exchange;
    const own = { timeoutMs, ...isolated(scope.metadata.namespace) };
    const connecting = await discreet(exchange, () => resolveConnection(exchange, own, read));
    if (exchange.compile.length > 0)
      await compileAll(evaluator, { expressions: exchange.compile, group: scope.metadata.namespace }, signal);
    const bytes = await readBytes(bytesInBody(request.body), read);
    const first = await healingRefusals(
      () => templatesOf(request).filter(readsElsewhere(scope)),
      async () => {
        const values = await valuesOf(expressionsOf(request), exchange, inputs, signal);
        const valueOf = (expression: string): string => values.get(expression) ?? "null";
        const wire = rendered(request, { valueOf, bytes, response: exchange.response }, userAgent);
        return atLocation({ request: wire, settings: connecting.settings, repeatable, trusted: true }, request, valueOf);
      },
    );
    const admitted = admittedSettings(first.request, first.settings, scope.metadata);
    if (!clients.has(admitted)) await discreet(exchange, async () => checkTls(admitted.tls, exchange.tls));
    const secrets = [...secretValues(inputs), ...secretTexts(bytes), ...connecting.secrets];
    return {
      ...(connecting.auth && { auth: connecting.auth }),
      first: { ...first, settings: admitted },
      template: request,
      maxRedirects,
      secrets: () => secrets,
      metadata: scope.metadata,
    };
  }

  return {
    begin(resource, mayStart = () => true) {
      const budget = createBudget({
        maxInFlight: maxInFlightPerReconcile,
        maxInAll: maxExchangesPerReconcile,
        onCancel: () => record({ type: "responseCancelled", reason: "reconcile" }),
      });
      const passage = createPassage(resource, gates);
      let hasEnded = false;
      return {
        prepare: (exchange, read, signal) =>
          orRefusal(async () => {
            const inputs = await resolveInputs(exchange.scope.inputs, read);
            const { auth, ...ready } = await prepared(exchange, inputs, read, signal);
            const { request, settings } = ready.first;
            const pass = passage.circuit(exchange);
            if (pass?.type === "busy") return pass;
            const { endpoint } = exchange;
            const mayWait = passage.hasBegun;
            const credential =
              auth &&
              endpoint &&
              (await discreet(exchange, () => credentials.of(auth, { endpoint, settings, mayStart }, { mayWait, signal })));
            if (credential && "free" in credential) return credential;
            const busy = passage.place(request.origin, exchange);
            if (busy) return busy;
            const secrets = (): readonly string[] => [...ready.secrets(), ...(credential?.secrets() ?? [])];
            const sending: Sending = { ...ready, ...(credential && { credential }), secrets, mayStart };
            return {
              type: "prepared",
              async send(signal) {
                const outcome = await send(sending, budget, sendOptions, signal);
                pass?.report(seenIn(outcome));
                return outcome;
              },
              async open(signal) {
                const opened = await open(sending, budget, sendOptions, signal);
                pass?.report(seenIn(opened));
                return opened;
              },
            } as const;
          }),
        [Symbol.dispose]() {
          if (hasEnded) return;
          hasEnded = true;
          budget[Symbol.dispose]();
          passage[Symbol.dispose]();
        },
      };
    },
    evaluate: (evaluation: Evaluation, read, signal) =>
      orRefusal(async () => {
        if ("object" in evaluation) {
          const { object, expressions } = evaluation;
          const batch = { document: objectText(object), expressions, open: false, group: object.metadata.namespace };
          const json = await evaluateAll(evaluator, batch, signal);
          return { type: "values", values: json.map(parseJSON) } as const;
        }
        if ("inputsOf" in evaluation) {
          const { inputs: sources, metadata } = evaluation.inputsOf;
          return { type: "values", values: [inputsDigest(await resolveInputs(sources, read), metadata.uid)] } as const;
        }
        if ("list" in evaluation) return { type: "values", values: [], items: await itemsOf(evaluation, read, signal) } as const;
        const { scope, response, expressions, compare } = evaluation;
        const inputs = await resolveInputs(scope.inputs, read);
        const open = response === undefined && secretValues(inputs).length === 0;
        const batch = { document: documentText(scope, inputs, response), expressions, open, group: scope.metadata.namespace };
        const json = await evaluateAll(evaluator, batch, signal);
        const values = json.map(parseJSON);
        if (!compare || !response) return { type: "values", values } as const;
        const wanted = await valuesOf(expressionsIn(templatesOfJSON(compare)), { scope, response }, inputs, signal);
        const differences = compared(compare, response, (expression) => wanted.get(expression) ?? "null");
        return { type: "values", values, differences } as const;
      }),
    evaluateOutputs: ({ outputs, scope, response, responses }, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(scope.inputs, read);
        const expressions = outputs.flatMap(({ data }) => data);
        const document = documentText(scope, inputs, response, responses);
        const batch = { document, expressions, open: false, group: scope.metadata.namespace };
        const json = await evaluateAll(evaluator, batch, signal);
        return outputValues(outputs, json, options.onSecretOutput);
      }),
    check: ({ connection, asks }, read, signal) =>
      orRefusal(async () => {
        const { endpoint } = connection;
        const own = { timeoutMs: tokenTimeoutMs, ...isolated(endpoint?.key.namespace ?? "") };
        const { settings, auth } = await resolveConnection(connection, own, read);
        checkTls(settings.tls, connection.tls);
        if (!auth || !endpoint) return { type: "usable" } as const;
        if (asks) {
          const credential = await credentials.of(auth, { endpoint, settings, mayStart: () => true }, { mayWait: false, signal });
          return "free" in credential ? credential : ({ type: "usable" } as const);
        }
        return credentials.problem(auth, endpoint) ?? ({ type: "usable" } as const);
      }),
    describe: (exchange, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(exchange.scope.inputs, read);
        const { first } = await prepared(exchange, inputs, read, signal);
        const values = await maskedValues(evaluator, exchange, inputs, signal);
        const bytes = await readBytes(bytesInBody(exchange.request.body), read);
        const filling = { valueOf: (expression: string) => values.get(expression) ?? "null", bytes };
        const shown = described(exchange.request, filling, { userAgent, sent: first.request });
        return { type: "described", ...shownWith(first.trusted ? exchange.auth : undefined, shown) } as const;
      }),
    [Symbol.dispose]() {
      connections[Symbol.dispose]();
      credentials[Symbol.dispose]();
      gates.admissions[Symbol.dispose]();
      gates.rateLimits[Symbol.dispose]();
    },
  };

  /** Throws `RefusedError`. */
  async function itemsOf({ scope, list }: ListEvaluation, read: Read, signal: AbortSignal): Promise<readonly Sealed<string>[]> {
    const inputs = await resolveInputs(scope.inputs, read);
    const open = secretValues(inputs).length === 0;
    const batch = { document: documentText(scope, inputs), expressions: [list], open, group: scope.metadata.namespace };
    return healingRefusals(
      () => [list].filter(readsElsewhere(scope)),
      async () => listItems(list.field, (await evaluateAll(evaluator, batch, signal))[0] ?? "null"),
    );
  }
}
