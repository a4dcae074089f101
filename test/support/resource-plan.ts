/** Drives HTTPResource's plan with scripted answers. */
import { expect } from "@jest/globals";
import { httpResource, type HTTPResourceSpec, type HTTPResourceStatus } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import type { EvaluationResult, OutputsResult, Plan, Step, Verdict } from "../../src/core/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import type { HTTPResource } from "../../src/kinds/types.ts";

const validate = validator(httpResource.spec);
export const now = new Date("2026-01-01T00:00:00Z");
export const url = "https://users.example.com/users";
export const held = ["holdfast.dev/release"];
export const deleted = { deleted: true, finalizers: held };
export const gone = { finalizer: { name: "holdfast.dev/release", present: false } };
export const after = (ms: number) => ({ at: new Date(now.getTime() + ms) });
export const [hour, twoHours] = [after(3_600_000), after(7_200_000)];

/** As a user writes it: a user who is known by an id that the server gives. */
export const user = {
  parameters: { name: "ada", age: 36 },
  externalID: ".response.body.id",
  observe: { url: `${url}/\${ .externalID }` },
  create: { url, body: { json: "${ .parameters }" } },
  update: { url: `${url}/\${ .externalID }`, body: { json: { age: "${ .parameters.age }" } } },
  delete: { url: `${url}/\${ .externalID }` },
};
export const withLookup = { ...user, lookup: { url, match: ".item.name == .parameters.name" } };
/** Known by a name that is given. */
export const named = {
  observe: { url: `${url}/ada` },
  create: { url: `${url}/ada`, method: "POST", body: { json: {} } },
  delete: { url: `${url}/ada` },
};

interface Rest {
  readonly status?: HTTPResourceStatus | undefined;
  readonly annotations?: Record<string, string>;
  readonly generation?: number;
  readonly deleted?: boolean;
  readonly finalizers?: readonly string[];
}
export function resource(written: object, { status, annotations, generation = 1, deleted, finalizers }: Rest = {}): HTTPResource {
  const { value, problems } = validate(written);
  expect(problems).toEqual([]);
  return {
    metadata: {
      name: "ada",
      namespace: "team-a",
      uid: "uid-1",
      generation,
      resourceVersion: "1",
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ...(deleted && { deletionTimestamp: now.toISOString() }),
    },
    spec: value as HTTPResourceSpec,
    ...(status && { status }),
  };
}
export function answer(statusCode: number, headers: Record<string, string> = {}): Outcome {
  const body = "{}";
  const content = { body: redact(body), shown: createShown({ headers, body }), sizeBytes: 2, sha256: "ab", durationMs: 12 };
  return { type: "response", response: { statusCode, headers, ...content } };
}
export function failure(sent: boolean): Outcome {
  return { type: "failure", reason: sent ? "ConnectionReset" : "ConnectionRefused", message: "it failed", sent };
}
export const values = (...list: unknown[]): EvaluationResult => ({ type: "values", values: list });
export const differs = (...paths: string[]): EvaluationResult => ({
  type: "values",
  values: [],
  differences: paths.map((path) => ({ path })),
});
export const same = differs();

/** Drives a plan with scripted answers; what it asked for, and what it decided. */
export function drive(
  object: HTTPResource,
  answers: readonly (Outcome | EvaluationResult | OutputsResult)[] = [],
  {
    first = false,
    at = now,
    cycle,
    references = [],
    referrers = [],
    mirrorsIDs = false,
    seesOnly,
    slots,
  }: {
    first?: boolean;
    at?: Date;
    cycle?: readonly string[];
    references?: readonly (Resource | undefined)[];
    referrers?: readonly HTTPResource[];
    mirrorsIDs?: boolean;
    seesOnly?: string;
    slots?: number;
  } = {},
) {
  const refer = () => referrers.map((one) => ({ kind: "HTTPResource", resource: one }));
  const situation = {
    resource: object,
    references,
    referrers: refer,
    now: at,
    instanceId: "me",
    mirrorsIDs,
    first,
    ...(seesOnly !== undefined && { seesOnly }),
    ...(slots !== undefined && { slots }),
    ...(cycle && { cycle }),
  };
  const plan: Plan = httpResourceKind.plan(situation);
  const steps: Step[] = [];
  const foretellings: string[] = [];
  let step = plan.next();
  while (!step.done) {
    // Of the same answer as what was held against it before, whose script says it, too.
    const told = foretoldBy(step.value);
    if (told !== undefined) {
      foretellings.push(`${told} after ${steps.at(-1)?.type ?? "nothing"}`);
      step = plan.next(answers[steps.length - 1] ?? values());
      continue;
    }
    // An answer to update says nothing of the id, unless the script says so.
    if (isAskedOfUpdate(steps.at(-1), step.value) && !answersID(answers[steps.length])) {
      step = plan.next(values(null));
      continue;
    }
    const given = answers[steps.length];
    if (!given) throw new Error(`not scripted, after ${sentBy(steps).join(", ")}: ${JSON.stringify(step.value)}`);
    steps.push(step.value);
    step = plan.next(given);
  }
  expect(steps).toHaveLength(answers.length);
  const verdict: Verdict = step.value;
  const status: HTTPResourceStatus = verdict.status;
  return { steps, foretellings, sent: sentBy(steps), verdict, status, state: stateOf(status) };
}
function foretoldBy(step: Step): string | undefined {
  return step.type === "evaluate" && "scope" in step.evaluation && "foretold" in step.evaluation
    ? step.evaluation.foretold?.field
    : undefined;
}
function isAskedOfUpdate(before: Step | undefined, step: Step): boolean {
  if (before?.type !== "exchange" || step.type !== "evaluate" || !("expressions" in step.evaluation)) return false;
  const isUpdate = ["PUT", "PATCH"].includes(before.exchange.request.method);
  return isUpdate && step.evaluation.expressions.map(({ field }) => field).join() === "spec.externalID";
}
function answersID(given: { readonly type: string } | undefined): boolean {
  return given?.type === "values";
}
function sentBy(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.type !== "exchange") return [];
    const { url, location, method } = step.exchange.request;
    const before = step.beforeSend.type === "recordIntent" ? " after intent" : "";
    return [`${method} ${location?.text ?? (url.type === "absolute" ? url.text.slice(26) : "")}${before}`];
  });
}
export function condition(status: HTTPResourceStatus, type: string) {
  return status.conditions?.find((one) => one.type === type);
}
function stateOf(status: HTTPResourceStatus): string {
  const ready = condition(status, "Ready");
  const more = ["Reconciling", "Stalled"].filter((type) => condition(status, type)?.status === "True");
  return [`${ready?.status}/${ready?.reason}`, ...more].join(" ");
}
/** A user who was created with the id 7, and has been seen since. */
export function created(written: object = user, rest: Rest = {}): HTTPResource {
  const { seen: _, ...status } = drive(resource(written), [answer(201), values("7")]).status;
  return resource(written, { status, finalizers: ["holdfast.dev/release"], ...rest });
}
