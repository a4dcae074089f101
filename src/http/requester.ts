/** Exchanges over undici: the `Requester` of the ports. Secrets are resolved here, and nowhere else. */
import type { Evaluation, Exchange, Refusal } from "../core/exchange.ts";
import { parseJSON } from "../core/json.ts";
import type { RecordOccurrence } from "../core/occurrence.ts";
import type { Evaluator, Read, Requester } from "../core/ports.ts";
import type { ClientPool } from "./client-pool.ts";
import { documentText } from "./document.ts";
import { compileAll, evaluateAll } from "./evaluate.ts";
import { masked, resolveInputs, secretValues, type Inputs } from "./inputs.ts";
import { orRefusal } from "./refusal.ts";
import { described, expressionsOf, rendered, type Described, type WireRequest } from "./render.ts";
import { send, type Sending } from "./send.ts";
import { checkTls, resolveTls } from "./tls.ts";

export interface RequesterOptions {
  readonly clients: ClientPool;
  readonly evaluator: Evaluator;
  readonly record: RecordOccurrence;
  readonly maxResponseBytes: number;
  /** For requests that declare none. */
  readonly userAgent: string;
}
export interface HTTPRequester extends Requester {
  /** What would be sent, with three asterisks for each secret; nothing is sent. */
  describe(exchange: Exchange, read: Read, signal: AbortSignal): Promise<({ readonly type: "described" } & Described) | Refusal>;
}

export function createRequester(options: RequesterOptions): HTTPRequester {
  const { clients, evaluator, userAgent } = options;

  /** The values of a request's expressions by their text. */
  async function valuesOf({ request, scope }: Exchange, inputs: Inputs, signal: AbortSignal): Promise<Map<string, string>> {
    const expressions = expressionsOf(request);
    const open = secretValues(inputs).length === 0;
    const json = await evaluateAll(evaluator, { document: documentText(scope, inputs), expressions, open }, signal);
    return new Map(expressions.map(({ text }, index) => [text, json[index] ?? "null"]));
  }

  async function prepared(exchange: Exchange, inputs: Inputs, read: Read, signal: AbortSignal): Promise<Sending> {
    const { request, scope, tls: sources, timeoutMs } = exchange;
    const tls = await resolveTls(sources, read);
    const settings = { tls, timeoutMs };
    if (!clients.has(settings)) checkTls(tls, sources);
    await compileAll(evaluator, exchange.compile, signal);
    const values = await valuesOf(exchange, inputs, signal);
    const wire: WireRequest = rendered(request, (expression) => values.get(expression) ?? "null", userAgent);
    return { wire, settings, secrets: secretValues(inputs), metadata: scope.metadata };
  }

  return {
    prepare: (exchange, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(exchange.scope.inputs, read);
        const sending = await prepared(exchange, inputs, read, signal);
        return { type: "prepared", send: (signal) => send(sending, options, signal) } as const;
      }),
    evaluate: ({ scope, response, expressions }: Evaluation, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(scope.inputs, read);
        const open = response === undefined && secretValues(inputs).length === 0;
        const json = await evaluateAll(evaluator, { document: documentText(scope, inputs, response), expressions, open }, signal);
        return { type: "values", values: json.map(parseJSON) } as const;
      }),
    describe: (exchange, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(exchange.scope.inputs, read);
        await prepared(exchange, inputs, read, signal);
        const values = await maskedValues(exchange, inputs, signal);
        return {
          type: "described",
          ...described(exchange.request, (expression) => values.get(expression) ?? "null", userAgent),
        } as const;
      }),
  };

  /** The values as they are when secrets are asterisks; an expression that cannot do with those is asterisks itself. */
  async function maskedValues({ request, scope }: Exchange, inputs: Inputs, signal: AbortSignal): Promise<Map<string, string>> {
    const document = documentText(scope, masked(inputs));
    const values = new Map(expressionsOf(request).map(({ text }) => [text, '"***"']));
    const left = [...values.keys()];
    while (left.length > 0) {
      const evaluated = await evaluator.evaluate(document, left, signal);
      if (evaluated.type !== "values") left.splice(evaluated.index ?? 0, evaluated.index === undefined ? left.length : 1);
      else for (const [index, text] of left.splice(0).entries()) values.set(text, evaluated.json[index] ?? "null");
    }
    return values;
  }
}
