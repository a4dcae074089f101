/**
 * A world without IO for whole walks of a plan: what it answers follows from what it is asked alone, never from when or how
 * often, so that two ways to the same question end the same.
 */
import { createHash } from "node:crypto";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import type { Kind, Step, Verdict } from "../../src/core/plan.ts";
import type { Reference, Resource } from "../../src/core/resource.ts";
import { judgeAll } from "./request-plan.ts";

export interface Walked {
  readonly resource: Resource;
  readonly now: Date;
  /** Requests that left. */
  readonly sent: number;
}
/** `reconciles`: at most so many; a walk that has not come to rest by then is cut short there. */
export interface WalkOptions {
  readonly reconciles?: number;
  /** The process dies at the first intent, and leaves it behind. */
  readonly diesAtIntent?: boolean;
}

/** Reconciles, and lets the time pass for which each asks, until nothing more comes of it. */
export function walk(kind: Kind, from: Pick<Walked, "resource" | "now">, options: WalkOptions = {}): Walked {
  const { reconciles = 300, diesAtIntent = false } = options;
  let { resource, now } = from;
  let sent = 0;
  let before = "";
  for (let round = 0; round < reconciles; round += 1) {
    const done = reconcile(kind, resource, now, diesAtIntent);
    sent += done.sent;
    resource = { ...resource, status: done.status };
    const { verdict } = done;
    if (!verdict || verdict.requeueAfterMs === undefined) return { resource, now, sent };
    const seen = JSON.stringify([verdict.result, verdict.reason, resource.status]);
    if (["succeeded", "failed", "unchanged", "stalled"].includes(verdict.result) || seen === before)
      return { resource, now, sent };
    before = seen;
    now = new Date(now.getTime() + verdict.requeueAfterMs);
  }
  if (options.reconciles === undefined) throw new Error(`no rest after ${reconciles} reconciles: ${before.slice(0, 600)}`);
  return { resource, now, sent };
}

function reconcile(
  kind: Kind,
  resource: Resource,
  now: Date,
  diesAtIntent: boolean,
): { readonly status: object; readonly sent: number; readonly verdict?: Verdict } {
  const references = kind.references(resource).map(found);
  const plan = kind.plan({ resource, references, now, instanceId: "me" });
  let sent = 0;
  let step = plan.next();
  while (!step.done) {
    const asked = step.value;
    if (diesAtIntent && "beforeSend" in asked && asked.beforeSend.type === "recordIntent")
      return { status: asked.beforeSend.status, sent };
    if (asked.type === "exchange") sent += 1;
    if (asked.type === "exchanges") sent += asked.exchanges.length;
    const answered = answer(asked) as never;
    step = plan.next(asked.type === "exchanges" ? judgeAll(asked, answered, answer as never) : answered);
  }
  return { status: step.value.status, sent, verdict: step.value };
}

/** One of `options`, always the same for the same question. */
function pick<T>(question: unknown, options: readonly T[]): T {
  const hash = createHash("sha256").update(JSON.stringify(question)).digest();
  return options[hash.readUInt32BE(0) % options.length] as T;
}

/** Some of the endpoints and objects that are named are there, and some of those are Ready. */
function found({ type, key }: Reference): Resource | undefined {
  const metadata = { ...key, uid: `${type.kind}/${key.name}`, generation: 1, resourceVersion: "1" };
  const isThere = pick(["there", type.kind, key], [true, true, true, false]);
  if (!isThere) return undefined;
  if (type.kind === "HTTPEndpoint") return { metadata, spec: { baseURL: "https://example.com/api" } };
  if (type.kind === "ClusterHTTPEndpoint")
    return { metadata, spec: { baseURL: "https://example.com/api", allowedNamespaces: { from: "All" } } };
  const status = pick(["ready", key], ["True", "True", "False"]);
  return { metadata, spec: {}, status: { observedGeneration: 1, conditions: [{ type: "Ready", status }] } };
}

function answer(step: Step): unknown {
  switch (step.type) {
    case "exchange":
      return outcomeOf(step.exchange);
    case "exchanges":
      return { type: "outcomes", outcomes: step.exchanges.map(outcomeOf) };
    case "check":
      return { type: "usable" };
    case "find":
      return { type: "looked" };
    case "remove":
      return { type: pick(["remove"], ["removed", "forbidden", "unsupported"]) };
    case "checkOutputs":
    case "writeOutputs": {
      const declared = step.type === "checkOutputs" ? step.outputs : step.evaluation.outputs;
      // Whether they were made before is history, which nothing here hangs on.
      const outputs = declared.map(({ object, data }) => [object.name, data]);
      const [heals, reason] = step.type === "checkOutputs" ? [true, "OutputConflict"] : [false, "OutputMissing"];
      const refusal = { type: "refusal", reason, message: "an output", heals };
      return pick([step.type, outputs], [{ type: "ready" }, { type: "ready" }, refusal]);
    }
    case "evaluate": {
      const { evaluation } = step;
      if ("inputsOf" in evaluation) return { type: "values", values: [pick(evaluation.inputsOf.inputs, ["a", "b"])] };
      if ("list" in evaluation)
        return {
          type: "values",
          values: [],
          items: pick(evaluation.list.text, [["1", "2"], ["3"], []]).map((item) => redact(item)),
        };
      const isAnswered = "response" in evaluation;
      const values = evaluation.expressions.map(({ field, text }) =>
        field === "spec.externalID" && !isAnswered ? "declared" : pick(text, [true, true, false, null, "text"]),
      );
      return { type: "values", values, differences: [] };
    }
  }
}

const content = { body: redact("{}"), sizeBytes: 2, sha256: "ab", durationMs: 12 };
const response = (statusCode: number, headers = {}): Outcome => ({
  type: "response",
  response: { statusCode, headers, shown: createShown({ headers, body: "{}" }), ...content },
});
const outcomes: readonly Outcome[] = [
  response(200),
  response(200),
  response(201),
  response(202, { location: "/jobs/1" }),
  response(404),
  response(500),
  response(502),
  response(503, { "retry-after": "3" }),
  { type: "failure", reason: "ConnectionRefused", message: "refused", sent: false },
  { type: "failure", reason: "ConnectionReset", message: "reset", sent: true },
  { type: "refusal", reason: "SecretNotFound", message: "there is no Secret", heals: true },
  { type: "refusal", reason: "InvalidURL", message: "no URL", heals: false },
];
function outcomeOf({ request: { method, url, query, body: content }, scope }: Exchange): Outcome {
  const outcome = pick([method, url, query, content, scope.item?.index], outcomes);
  // What one item lacks is waited for without an end, while the others are done: a walk would never come to rest.
  return outcome.type === "refusal" && scope.item ? { ...outcome, heals: false } : outcome;
}
