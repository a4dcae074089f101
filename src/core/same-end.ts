/**
 * A look that is answered as the one before, at an object of which nothing else has changed, ends as that did.
 *
 * A plan is a function of its situation and of the answers to its steps. So what is asked, and how it ends, need not be worked out
 * again where these are the same, as they are at nearly every look: of the answer no more is read than its digest.
 *
 * Invariant: this is kept only of a plan that asked its server once, and otherwise had expressions evaluated, which read of the answer
 * no more than its status and content, no input and no time; and that ended with nothing to write.
 */
import type { Evaluation } from "./evaluation.ts";
import { readsOf } from "./expression-reads.ts";
import type { Outcome } from "./outcome.ts";
import type { Exchange } from "./exchange.ts";
import { ask, sendExchange, type Plan, type Situation, type Step, type StepOf, type Verdict } from "./plan.ts";
import type { Resource } from "./resource.ts";
import { bytesInBody, expressionsOfText, templatesInBody, templatesOf } from "./templating.ts";
import { oncePer } from "./tools/once-per.ts";

/**
 * As little as it takes: there is one for each object that is looked at. Others are known by a token, so that none of what they were
 * is held.
 */
interface Look {
  readonly references: readonly (object | undefined)[];
  readonly exchange: Exchange;
  readonly answer: string;
  readonly reason: string;
}
interface Kept {
  look?: Look;
  /** How often in a row it was answered otherwise. */
  misses: number;
}
/** With the next change of the object there is another object. */
const keptOf = oncePer((_resource: Resource): Kept => ({ misses: 0 }));
/** What is answered otherwise so often, such as with the time, is not worth a digest. */
const mostMisses = 8;

/** `plan`: as a kind has it. `dueInMs`: what a verdict that is kept has as its `requeueAfterMs`, by now. */
export function* endAsBefore<R extends Resource>(
  plan: (situation: Situation<R>) => Plan,
  situation: Situation<R>,
  dueInMs: (situation: Situation<R>) => number,
): Plan {
  const kept = keptOf(situation.resource);
  if (kept.misses >= mostMisses) return yield* plan(situation);
  const look = kept.look && isSame(kept.look, situation) ? kept.look : undefined;
  const outcome = look && (yield* sendExchange(look.exchange, asking));
  if (look && outcome) {
    if (answerOf(outcome) === look.answer) {
      kept.misses = 0;
      const { status = {} } = situation.resource;
      return { status, requeueAfterMs: dueInMs(situation), result: "unchanged", reason: look.reason };
    }
    kept.misses += 1;
  }
  const planned = plan(situation);
  const begun = planned.next();
  if (begun.done || !isLook(begun.value)) return yield* follow(planned, begun);
  // What it asks first is what has been asked, if anything has.
  return yield* watch(planned, begun.value, outcome ?? (yield* ask(begun.value)), { kept, situation });
}

function isSame({ references }: Look, situation: Situation): boolean {
  return (
    situation.mayBeMended !== true &&
    situation.first !== true &&
    situation.cycle === undefined &&
    references.length === situation.references.length &&
    references.every((one, index) => one === tokenOf(situation.references[index]))
  );
}
const tokenFor = oncePer((_resource: Resource): object => ({}));
function tokenOf(resource: Resource | undefined): object | undefined {
  return resource && tokenFor(resource);
}
function isLook(step: Step): step is StepOf<"exchange"> {
  return step.type === "exchange" && step.beforeSend.type === "nothing" && step.exchange.attemptId === undefined;
}
/** What of an answer a plan reads, and the expressions that are allowed here; undefined: there is none. */
function answerOf(outcome: Outcome): string | undefined {
  if (outcome.type !== "response") return undefined;
  const { statusCode, headers, sha256 } = outcome.response;
  return [statusCode, sha256, ...fields.map((name) => headers[name])].join("\n");
}
/** By which a plan knows a page, and whether it has all of a list. */
const fields = ["content-type", "content-range", "link"] as const;

function* follow(planned: Plan, begun: IteratorResult<Step, Verdict>): Plan {
  let next = begun;
  while (!next.done) next = planned.next(yield next.value);
  return next.value;
}

/** Drives what has begun to its end, and keeps that where it may be kept. */
function* watch(
  planned: Plan,
  step: StepOf<"exchange">,
  outcome: Outcome,
  { kept, situation }: { readonly kept: Kept; readonly situation: Situation },
): Plan {
  let mayKeep = readsNoTime(step);
  let next = planned.next(outcome);
  while (!next.done) {
    mayKeep &&= next.value.type === "evaluate" && readsContentOnly(next.value.evaluation);
    next = planned.next(yield next.value);
  }
  const verdict = next.value;
  if (!saysNothingNew(verdict, situation)) return verdict;
  const answer = mayKeep && kept.misses < mostMisses ? answerOf(outcome) : undefined;
  if (answer === undefined) {
    kept.misses = mostMisses;
    delete kept.look;
  } else
    kept.look = { references: orNone(situation.references.map(tokenOf)), exchange: lean(step), answer, reason: verdict.reason };
  return verdict;
}

/** What is evaluated on its answer has been found to compile. */
function lean({ exchange }: StepOf<"exchange">): Exchange {
  const { scope } = exchange;
  const inputs = Object.keys(scope.inputs).length === 0 ? noInputs : scope.inputs;
  return { ...exchange, scope: { ...scope, inputs }, expressionsToValidate: none };
}
const orNone = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? none : list);
const none: readonly never[] = [];
const noInputs = {};
const asking = { type: "nothing" } as const;

function saysNothingNew({ status, result, requeueAfterMs, ...more }: Verdict, { resource }: Situation): boolean {
  const { finalizer, annotation, holds, dueAt, detail } = more;
  const isPlain = [finalizer, annotation, holds, dueAt, detail].every((one) => one === undefined);
  return status === resource.status && result === "unchanged" && requeueAfterMs !== undefined && isPlain;
}

function readsNoTime({ exchange }: StepOf<"exchange">): boolean {
  const expressions = templatesOf(exchange.request).flatMap(({ text }) => expressionsOfText(text));
  return expressions.every((text) => readsOnly(text, (path) => path !== "now"));
}
const steady = /^(metadata|parameters|externalID|attemptID|object|body|response\.(statusCode|body|text|base64))(\.|$)/;
function readsContentOnly(evaluation: Evaluation): boolean {
  if (!("scope" in evaluation) || "list" in evaluation || evaluation.published || evaluation.foretold) return false;
  const { expressions, compare, compared, normalise = [] } = evaluation;
  if (bytesInBody(compare).some(({ type }) => type !== "base64")) return false;
  const all = [...expressions, ...normalise.map((one) => one.as), ...(compared ? [compared] : [])].map(({ text }) => text);
  const rendered = templatesInBody(compare).flatMap(({ text }) => expressionsOfText(text));
  return [...all, ...rendered].every((text) => readsOnly(text, (path) => steady.test(path)));
}
/** jq has the time as a function, too. */
function readsOnly(expression: string, isMeant: (path: string) => boolean): boolean {
  const reads = readsOf(expression);
  return reads !== "everything" && !/\bnow\b/.test(expression) && [...reads].every(isMeant);
}
