/** Drives HTTPRequest's plan with scripted answers, at a time of the test's choice. */
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { Outcome, Response } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import type { EvaluationResult, OutputsResult, Situation, Step, StepAnswer, Steps, Verdict } from "../../src/core/plan.ts";
import type { Metadata } from "../../src/core/resource.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";

const newYear = new Date("2026-01-01T00:00:00Z");

/** Of the requests of a forEach, each of which is judged by what follows in the script. */
export interface Outcomes {
  readonly type: "outcomes";
  readonly outcomes: readonly Outcome[];
}
export type Answer = Outcome | Outcomes | EvaluationResult | OutputsResult;
export interface Driven {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
  readonly status: HTTPRequestStatus;
}

export function httpRequest(
  spec: Partial<HTTPRequestSpec> = {},
  { status, ...metadata }: Partial<Metadata> & { readonly status?: HTTPRequestStatus } = {},
): HTTPRequest {
  return {
    metadata: { name: "announce", namespace: "team-a", uid: "uid-1", generation: 1, resourceVersion: "1", ...metadata },
    spec: {
      ...(spec.endpointRef ? {} : { url: "https://example.com/hook" }),
      method: "POST",
      expect: { status: ["2xx"] },
      retry: { backoff: { initial: "1s", max: "5m" } },
      onUnknown: "Stall",
      record: "Summary",
      suspend: false,
      historyLimit: 3,
      ...spec,
    },
    ...(status && { status }),
  };
}

export function answer(statusCode: number, headers: Response["headers"] = {}): Outcome {
  const content = { body: redact("{}"), sizeBytes: 2, sha256: "ab", durationMs: 12 };
  return { type: "response", response: { statusCode, headers, shown: createShown({ headers, body: "{}" }), ...content } };
}
export const reset: Outcome = { type: "failure", reason: "ConnectionReset", message: "the connection was reset", sent: true };
export const refused: Outcome = { type: "failure", reason: "ConnectionRefused", message: "nobody listens there", sent: false };

/** Each answer is for one step; more steps than answers throw. */
export function drive(resource: HTTPRequest, now: string, answers: readonly Answer[] = []): Driven {
  return driveIn({ resource, now: new Date(now) }, answers);
}
/** The same, in a situation whose other parts are the test's, too. */
export function driveIn(
  situation: Partial<Situation<HTTPRequest>> & Pick<Situation<HTTPRequest>, "resource">,
  answers: readonly Answer[] = [],
): Driven {
  const plan = httpRequestKind.plan({ references: [], now: newYear, instanceId: "me", ...situation });
  const steps: Step[] = [];
  const verdict = followPlan(plan, (step) => {
    const given = answers[steps.length];
    if (!given) throw new Error(`not scripted: ${JSON.stringify(step)}`);
    steps.push(step);
    return given;
  });
  return { steps, verdict, status: verdict.status };
}

/** What a plan, or a part of one, returns, where `answer` is asked for each step. */
export function followPlan<R>(plan: Steps<R>, answer: (step: Step) => StepAnswer | Outcomes): R {
  let step = plan.next();
  while (!step.done) {
    const asked = step.value;
    const given = answer(asked);
    step = plan.next(given.type === "outcomes" ? judgeAll(asked, given, answer) : given);
  }
  return step.value;
}
/** The answer to a step whose requests have had these outcomes. */
export function judgeAll(step: Step, { outcomes }: Outcomes, answer: (step: Step) => StepAnswer | Outcomes): StepAnswer {
  if (step.type !== "exchanges") throw new Error(`not asked for: ${step.type}`);
  return { type: "judged", judgements: outcomes.map((outcome, position) => followPlan(step.judge(outcome, position), answer)) };
}

export function condition(
  { conditions }: HTTPRequestStatus,
  type: string,
): { status: string; reason: string; message: string } | undefined {
  return conditions?.find((one) => one.type === type);
}
