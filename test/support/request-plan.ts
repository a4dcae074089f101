/** Drives HTTPRequest's plan with scripted answers, at a time of the test's choice. */
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { Outcome, Response } from "../../src/core/outcome.ts";
import { sealed } from "../../src/core/sealed.ts";
import type { EvaluationResult, Step, Verdict } from "../../src/core/plan.ts";
import { httpRequestKind } from "../../src/kinds/http-request.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";

export interface Driven {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
  readonly status: HTTPRequestStatus;
}

export function httpRequest(
  spec: Partial<HTTPRequestSpec> = {},
  {
    generation = 1,
    status,
    annotations,
  }: { generation?: number; status?: HTTPRequestStatus; annotations?: Record<string, string> } = {},
): HTTPRequest {
  return {
    metadata: {
      name: "announce",
      namespace: "team-a",
      uid: "uid-1",
      generation,
      resourceVersion: "1",
      ...(annotations && { annotations }),
    },
    spec: {
      url: "https://example.com/hook",
      method: "POST",
      expect: { status: ["2xx"] },
      retry: { limit: 5, backoff: { initial: "1s", max: "5m" } },
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
  const body = { body: sealed("{}"), redactedBody: "{}", sizeBytes: 2, sha256: "ab", durationMs: 12 };
  return { type: "response", response: { statusCode, headers, ...body } };
}
export const reset: Outcome = { type: "failure", reason: "ConnectionReset", message: "the connection was reset", sent: true };

/** Each answer is for one step; more steps than answers throw. */
export function drive(resource: HTTPRequest, now: string, answers: readonly (Outcome | EvaluationResult)[] = []): Driven {
  const plan = httpRequestKind.plan({ resource, references: [], now: new Date(now), sender: "me" });
  const steps: Step[] = [];
  let step = plan.next();
  while (!step.done) {
    const given = answers[steps.length];
    if (!given) throw new Error(`not scripted: ${JSON.stringify(step.value)}`);
    steps.push(step.value);
    step = plan.next(given as never);
  }
  return { steps, verdict: step.value, status: step.value.status };
}

export function condition(
  { conditions }: HTTPRequestStatus,
  type: string,
): { status: string; reason: string; message: string } | undefined {
  return conditions?.find((one) => one.type === type);
}
