/** A notice: which ends of other objects' runs it is sent for, how often, and what it sees of them. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { RunStatus } from "../../src/api/schedule.ts";
import { createCaches } from "../../src/engine/caches.ts";
import { createWatchers } from "../../src/engine/watchers.ts";
import type { Step, Verdict } from "../../src/core/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { runs } from "../support/fuzz.ts";
import { answer, condition, driveIn, httpRequest, reset, type Answer } from "../support/request-plan.ts";

type When = NonNullable<HTTPRequestSpec["trigger"]>["when"][number];
const created = "2026-01-01T00:00:00Z";
const at = (minute: number): Date => new Date(Date.parse(created) + minute * 60_000);
const text = (minute: number): string => at(minute).toISOString();

/** A source whose runs ended so, one a minute from the first on, the last being the latest. */
function source(ends: string, { first = 1, uid = "0a1b2c3d-source", keep = 10, labels = {} } = {}): HTTPRequest {
  const history = Array.from(ends, (end, index): RunStatus => {
    const minute = first + index;
    const [succeeded, reason] = end === "S" ? [true, "Succeeded"] : [false, "UnexpectedStatus"];
    const times = { startedAt: text(minute - 0.1), finishedAt: text(minute) };
    return { attemptId: `run-${uid}-${minute}`, ...times, tries: 2, succeeded, reason, statusCode: succeeded ? 200 : 500 };
  });
  const isUnknown = ends.endsWith("U");
  if (isUnknown) history.pop();
  const latest = history.at(-1);
  const minute = first + ends.length - 1;
  const [id, phase] = isUnknown ? [`run-${uid}-${minute}`, "Unknown"] : [latest?.attemptId, "Done"];
  const attempt = { id, phase, digest: "d", startedAt: text(minute - 0.1), finishedAt: text(minute), tries: 2 };
  const made = { lastTransitionTime: text(minute), observedGeneration: 1 };
  const conditions = isUnknown
    ? [{ type: "Stalled", status: "True", reason: "OutcomeUnknown", message: "nobody knows", ...made }]
    : latest && [
        {
          type: "Succeeded",
          status: latest.succeeded ? "True" : "False",
          reason: latest.reason,
          message: `answered ${latest.statusCode}`,
          ...made,
        },
      ];
  const status = { attempt, conditions, history: history.toReversed().slice(0, keep) } as unknown as HTTPRequestStatus;
  return httpRequest({}, { name: `source-${uid}`, uid, labels, ...(ends !== "" && { status }) });
}

interface Looked {
  readonly status: HTTPRequestStatus;
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}
interface Noticing {
  readonly when: readonly When[];
  readonly status?: HTTPRequestStatus | undefined;
  readonly spec?: Partial<HTTPRequestSpec>;
  readonly minute?: number;
  readonly answers?: readonly Answer[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}
/** One look of a notice that watches these by their labels. */
function look(sources: readonly Resource[], { when, status, spec, minute = 60, answers, ...metadata }: Noticing): Looked {
  const trigger = { kind: "HTTPRequest", selector: { matchLabels: { a: "b" } }, when } as const;
  const about = { name: "notice", uid: "notice", creationTimestamp: created, ...metadata, ...(status && { status }) };
  const resource = httpRequest({ trigger, ...spec }, about);
  return driveIn({ resource, now: at(minute), watched: () => sources }, answers ?? [answer(200)]);
}
const sent = ({ steps }: Looked): unknown => {
  const [step] = steps;
  if (step?.type !== "exchange") return undefined;
  return step.exchange.scope.trigger;
};
/** Looks until nothing more is sent; what was told of, in order. */
function tell(sources: readonly Resource[], noticing: Noticing): { told: string[]; status: HTTPRequestStatus } {
  let { status } = noticing;
  const told: string[] = [];
  for (let looks = 0; looks < 300; looks += 1) {
    const looked = look(sources, { ...noticing, status });
    ({ status } = looked);
    const event = sent(looked) as { when: string; attempt: { id: string } } | undefined;
    if (!event) return { told, status };
    told.push(`${event.when} ${event.attempt.id.split("-").at(-1)}`);
    if (looked.verdict.requeueAfterMs === undefined) return { told, status };
  }
  throw new Error("it does not come to rest");
}
const kinds = ["Failed", "Succeeded", "Unknown", "Recovered"] as const;

describe("wish 26: a notice", () => {
  test("waits, Ready, and sends nothing for its own sake", () => {
    const { steps, status, verdict } = look([source("")], { when: ["Failed"] });
    expect(steps).toEqual([]);
    expect(condition(status, "Ready")).toMatchObject({ status: "True", reason: "AwaitingTrigger" });
    expect(verdict.requeueAfterMs).toBeUndefined();
    const again = look([source("S")], { when: ["Failed"], status });
    expect(again.steps).toEqual([]);
    expect(again.status).toEqual(status);
  });

  test("may name what it sees and nothing else, and nobody else may", () => {
    const says = (text: string, spec: Partial<HTTPRequestSpec> = {}): string | undefined =>
      condition(look([source("F")], { when: ["Failed"], spec: { body: { text }, ...spec } }).status, "Ready")?.message;
    expect(says("${ .trigger.name } ${ .trigger.attempt.tries } ${ .attemptID }")).toBe("answered 200");
    expect(says("${ .trigger.body }")).toContain('spec.body.text: .trigger.body: there is no part of a trigger "body"');
    const { status } = driveIn({ resource: httpRequest({ body: { text: "${ .trigger.name }" } }) });
    expect(condition(status, "Ready")?.message).toContain('there is no such name "trigger"');
  });

  test("is sent once for a run that ended so, and sees why", () => {
    const looked = look([source("SF")], { when: ["Failed"] });
    expect(sent(looked)).toEqual({
      when: "Failed",
      kind: "HTTPRequest",
      name: "source-0a1b2c3d-source",
      namespace: "team-a",
      uid: "0a1b2c3d-source",
      reason: "UnexpectedStatus",
      message: "answered 500",
      statusCode: 500,
      attempt: { id: "run-0a1b2c3d-source-2", startedAt: text(1.9), finishedAt: text(2), tries: 2 },
    });
    const [step] = looked.steps;
    expect(step).toMatchObject({ beforeSend: { type: "recordIntent", status: { trigger: { event: { when: "Failed" } } } } });
    expect(look([source("SF")], { when: ["Failed"], status: looked.status }).steps).toEqual([]);
  });

  test.each([
    ["SFFS", ["Failed"], ["Failed 2", "Failed 3"]],
    ["SFFS", ["Failed", "Recovered"], ["Failed 2", "Failed 3", "Recovered 4"]],
    ["SFFSS", ["Recovered"], ["Recovered 4"]],
    ["SFFS", ["Succeeded"], ["Succeeded 1", "Succeeded 4"]],
    ["SFFS", ["Succeeded", "Recovered"], ["Succeeded 1", "Recovered 4"]],
    ["SU", ["Failed", "Unknown"], ["Unknown 2"]],
    ["SU", ["Failed"], []],
    ["SSS", ["Failed", "Unknown", "Recovered"], []],
  ] as const)("of %s tells when %j: %j", (ends, when, told) => {
    expect(tell([source(ends)], { when }).told).toEqual(told);
  });

  test("of what ended while nobody looked tells one after another, the earliest first, of all that it watches", () => {
    const sources = [source("FSF", { uid: "b-source" }), source("F", { first: 2, uid: "a-source" })];
    expect(tell(sources, { when: ["Failed"] }).told).toEqual(["Failed 1", "Failed 2", "Failed 3"]);
  });

  test("tells nothing of what ended before it was there, or before it was declared so", () => {
    const { told, status } = tell([source("FF")], { when: ["Failed"], creationTimestamp: text(1.5) });
    expect(told).toEqual(["Failed 2"]);
    const other = tell([source("FFSF")], { when: ["Failed", "Succeeded"], status, minute: 3.5 });
    expect(other.told).toEqual(["Failed 4"]);
  });

  test("whose outcome is known after all is told of again, as what it turned out to be", () => {
    const unknown = tell([source("SU")], { when: ["Unknown", "Failed", "Recovered"] });
    expect(unknown.told).toEqual(["Unknown 2"]);
    const failed = tell([source("SF")], { when: ["Unknown", "Failed", "Recovered"], status: unknown.status });
    expect(failed.told).toEqual(["Failed 2"]);
    const recovered = tell([source("SS")], { when: ["Unknown", "Failed", "Recovered"], status: unknown.status });
    expect(recovered.told).toEqual(["Recovered 2"]);
  });

  test("loses nothing and repeats nothing where a clock is set back", () => {
    const early = source("FF", { first: 30 });
    const { told, status } = tell([early], { when: ["Failed", "Recovered"] });
    expect(told).toEqual(["Failed 30", "Failed 31"]);
    const set = source("FS", { first: 5 }); // an hour has come again
    const history = [...(set.status?.history ?? []), ...(early.status?.history ?? [])];
    const later = { ...set, status: { ...set.status, history } } as HTTPRequest;
    const again = tell([later], { when: ["Failed", "Recovered"], status });
    expect(again.told).toEqual(["Failed 5", "Recovered 6"]);
    expect(look([later], { when: ["Failed", "Recovered"], status: again.status }).steps).toEqual([]);
  });

  test.each([0, 1])("remembers a failure for its recovery, though the source keeps a history of %d", (keep) => {
    const seen = look([source("F", { keep })], { when: ["Recovered"] });
    expect(seen.steps).toEqual([]);
    const recovered = tell([source("FS", { keep })], { when: ["Recovered"], status: seen.status });
    expect(recovered.told).toEqual(["Recovered 2"]);
  });

  test("tells once of each end of a source that keeps no history", () => {
    const failed = tell([source("F", { keep: 0 })], { when: ["Failed", "Succeeded"] });
    expect(failed.told).toEqual(["Failed 1"]);
    expect(sent(look([source("F", { keep: 0 })], { when: ["Failed"] }))).toMatchObject({
      reason: "UnexpectedStatus",
      message: "answered 500",
      attempt: { tries: 2 },
    });
    const next = tell([source("FS", { keep: 0 })], { when: ["Failed", "Succeeded"], status: failed.status });
    expect(next.told).toEqual(["Succeeded 2"]);
  });

  test("that fails is Stalled, is tried as its retry says with the same event, and tells of the next one all the same", () => {
    const first = look([source("F")], { when: ["Failed"], answers: [answer(429)] });
    expect(first.status.attempt?.phase).toBe("Retrying");
    const retried = look([source("FF")], { when: ["Failed"], status: first.status, minute: 70, answers: [answer(400)] });
    expect(sent(retried)).toMatchObject({ attempt: { id: "run-0a1b2c3d-source-1" } });
    expect(retried.status.attempt?.id).toBe(first.status.attempt?.id);
    expect(condition(retried.status, "Stalled")?.reason).toBe("UnexpectedStatus");
    expect(retried.verdict.requeueAfterMs).toBe(0);
    expect(tell([source("FF")], { when: ["Failed"], status: retried.status, minute: 71 }).told).toEqual(["Failed 2"]);
  });

  test("whose outcome is unknown is in the history, and stops none that follow", () => {
    const lost = look([source("F")], { when: ["Failed"], answers: [reset] });
    expect(lost.status.attempt?.phase).toBe("Unknown");
    expect(look([source("F")], { when: ["Failed"], status: lost.status }).steps).toEqual([]);
    const next = look([source("FF")], { when: ["Failed"], status: lost.status });
    expect(sent(next)).toMatchObject({ attempt: { id: "run-0a1b2c3d-source-2" } });
    expect(next.status.history?.map(({ reason }) => reason)).toEqual(["Succeeded", "OutcomeUnknown"]);
  });

  test("after a crash in flight is OutcomeUnknown for a POST, and sent again with the same event and id for a PUT", () => {
    const [step] = look([source("F")], { when: ["Failed"] }).steps;
    if (step?.type !== "exchange" || step.beforeSend.type !== "recordIntent") throw new Error("no intent");
    const left = step.beforeSend.status as HTTPRequestStatus;
    const found = look([source("FF")], { when: ["Failed"], status: left });
    expect(found.steps).toEqual([]);
    expect(condition(found.status, "Stalled")?.reason).toBe("OutcomeUnknown");
    expect(found.verdict.requeueAfterMs).toBe(0); // there is another one
    const spec = { method: "PUT" };
    const [put] = look([source("F")], { when: ["Failed"], spec }).steps;
    if (put?.type !== "exchange" || put.beforeSend.type !== "recordIntent") throw new Error("no intent");
    const again = look([source("FF")], { when: ["Failed"], spec, status: put.beforeSend.status });
    expect(sent(again)).toMatchObject({ attempt: { id: "run-0a1b2c3d-source-1" } });
    expect(again.status.attempt?.id).toBe(put.beforeSend.attemptId);
  });

  test("is sent again by hand, for what it was last sent for, and not where that is nothing", () => {
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    expect(look([source("")], { when: ["Failed"], annotations }).steps).toEqual([]);
    const { status } = tell([source("F")], { when: ["Failed"] });
    const again = look([source("F")], { when: ["Failed"], status, annotations });
    expect(sent(again)).toMatchObject({ attempt: { id: "run-0a1b2c3d-source-1" } });
    expect(again.status.attempt?.id).not.toBe(status.attempt?.id);
    expect(look([source("F")], { when: ["Failed"], status: again.status, annotations }).steps).toEqual([]);
  });

  test("that is changed is not sent for that, but what it has not delivered yet goes out as it is now", () => {
    const { status } = tell([source("F")], { when: ["Failed"] });
    const spec = { body: { text: "other" } };
    const changed = look([source("F")], { when: ["Failed"], status, spec });
    expect(changed.steps).toEqual([]);
    const failing = look([source("F")], { when: ["Failed"], answers: [answer(429)] });
    const mended = look([source("F")], { when: ["Failed"], status: failing.status, spec });
    expect(sent(mended)).toMatchObject({ attempt: { id: "run-0a1b2c3d-source-1" } });
  });

  test("waits while it is suspended, and tells then", () => {
    const paused = look([source("F")], { when: ["Failed"], spec: { suspend: true } });
    expect(paused.steps).toEqual([]);
    expect(tell([source("F")], { when: ["Failed"], status: paused.status }).told).toEqual(["Failed 1"]);
  });

  test.each([
    ["suspended", { suspend: true }, "Suspended"],
    ["wrong for good", { body: { text: "${ .trigger.nobody }" } }, "InvalidExpression"],
  ] as const)("that is %s, after others that went out, is not looked at again and again", (_, spec, reason) => {
    const { status } = tell([source("F")], { when: ["Failed"] });
    const held = look([source("FFF")], { when: ["Failed"], status, spec });
    expect([held.steps, condition(held.status, "Ready")?.reason, held.verdict.requeueAfterMs]).toEqual([[], reason, undefined]);
  });

  test("that cannot be sent yet has told nobody, and does as soon as it can", () => {
    const missing = { type: "refusal", reason: "SecretNotFound", message: "there is none", heals: true } as const;
    const refused = look([source("F")], { when: ["Failed"], answers: [missing] });
    expect(condition(refused.status, "Ready")?.reason).toBe("SecretNotFound");
    expect(tell([source("FF")], { when: ["Failed"], status: refused.status }).told).toEqual(["Failed 1", "Failed 2"]);
  });

  test("of too many, or of one that waits for it, says so and sends nothing", () => {
    const many = Array.from({ length: 257 }, (_, index) => source("F", { uid: `u${index}` }));
    expect(condition(look(many, { when: ["Failed"] }).status, "Ready")?.reason).toBe("TooManySources");
    const trigger = { kind: "HTTPRequest", name: "notice", when: ["Failed"] } as const;
    const cycle = ["HTTPRequest/notice", "HTTPRequest/notice"];
    const { status, steps } = driveIn({ resource: httpRequest({ trigger }, { name: "notice" }), cycle });
    expect(condition(status, "Stalled")).toMatchObject({
      reason: "DependencyCycle",
      message: expect.stringContaining("spec.trigger"),
    });
    expect(steps).toEqual([]);
  });

  test("tells of each end that it is for exactly once, whatever it sees in between", () => {
    const walk = fc.record({
      ends: fc.array(fc.constantFrom("S", "F"), { minLength: 1, maxLength: 9 }).map((all) => all.join("")),
      seen: fc.array(fc.nat(9), { maxLength: 9 }),
      when: fc.subarray([...kinds], { minLength: 1 }),
      dies: fc.boolean(),
    });
    fc.assert(
      fc.property(walk, ({ ends, seen, when, dies }) => {
        const told: string[] = [];
        let status: HTTPRequestStatus | undefined;
        for (const upTo of [...seen.toSorted((a, b) => a - b), ends.length]) {
          const shown = [source(ends.slice(0, upTo))];
          const looked = tell(shown, { when, status });
          told.push(...looked.told);
          ({ status } = looked);
          if (dies) status = JSON.parse(JSON.stringify(status)) as HTTPRequestStatus;
        }
        const expected = Array.from(ends, (end, index) => {
          const isRecovery = end === "S" && ends[index - 1] === "F";
          const names = end === "F" ? ["Failed"] : isRecovery ? ["Recovered", "Succeeded"] : ["Succeeded"];
          const name = names.find((one) => (when as string[]).includes(one));
          return name === undefined ? [] : [`${name} ${index + 1}`];
        }).flat();
        expect(told).toEqual(expected);
      }),
      runs(500),
    );
  });
});

test("an HTTPResource tells that it is Stalled, and that it is well again", () => {
  const trigger = { kind: "HTTPResource", name: "user", when: ["Failed", "Recovered"] } as const;
  const resource = (type: "Stalled" | "Ready", reason: string, minute: number): Resource => {
    const conditions = [{ type, status: "True", reason, message: `is ${reason}`, lastTransitionTime: text(minute) }];
    const metadata = { name: "user", namespace: "team-a", uid: "user", generation: 1, resourceVersion: "1" };
    return { metadata, spec: {}, status: { conditions, response: { statusCode: 409 } } };
  };
  const told: unknown[] = [];
  let status: HTTPRequestStatus | undefined;
  const stages = [resource("Ready", "UpToDate", 1), resource("Stalled", "UnexpectedStatus", 2), resource("Ready", "Updated", 3)];
  for (const stage of [...stages, stages[2] as Resource]) {
    const notice = httpRequest({ trigger }, { uid: "notice", creationTimestamp: created, ...(status && { status }) });
    const looked = driveIn({ resource: notice, references: [stage], now: at(60) }, [answer(200)]);
    ({ status } = looked);
    told.push((sent(looked) as { when: string; reason: string } | undefined)?.when);
  }
  expect(told).toEqual([undefined, "Failed", "Recovered", undefined]);
});

test("a change of status finds those that watch its labels, in its namespace and of its kind, but for notices themselves", () => {
  const watchers = createWatchers();
  const trigger = { kind: "HTTPRequest", selector: { matchLabels: { tier: "gold" } }, when: ["Failed"] } as const;
  const notice = httpRequest({ trigger }, { labels: { tier: "gold" } });
  watchers.set("HTTPRequest/team-a/notice", httpRequestKind.watches?.(notice));
  const of = (kind: string, resource: Resource): string[] => [...watchers.of(kind, resource)];
  const gold = httpRequest({}, { labels: { tier: "gold" } });
  expect(of("HTTPRequest", gold)).toEqual(["HTTPRequest/team-a/notice"]);
  expect(of("HTTPResource", gold)).toEqual([]);
  expect(of("HTTPRequest", httpRequest({}, { labels: { tier: "gold" }, namespace: "team-b" }))).toEqual([]);
  expect(of("HTTPRequest", httpRequest({}, { labels: { tier: "tin" } }))).toEqual([]);
  expect(of("HTTPRequest", notice)).toEqual([]);
  watchers.set("HTTPRequest/team-a/notice", undefined);
  expect(of("HTTPRequest", gold)).toEqual([]);
});

test("of more notices of a namespace than a hundred the others are told so, and one that goes leaves its place", () => {
  const watchers = createWatchers();
  const trigger = { kind: "HTTPRequest", selector: { matchLabels: { tier: "gold" } }, when: ["Failed"] } as const;
  const watched = httpRequestKind.watches?.(httpRequest({ trigger }));
  const all = Array.from({ length: 101 }, (_, index) => `HTTPRequest/team-a/notice-${index}`);
  expect(all.map((id) => watchers.set(id, watched)).lastIndexOf(true)).toBe(99);
  expect(watchers.set("HTTPRequest/team-b/notice", watched)).toBe(true);
  expect([...watchers.of("HTTPRequest", httpRequest({}, { labels: { tier: "gold" } }))]).toHaveLength(100);
  expect(condition(driveIn({ resource: httpRequest({ trigger }) }).status, "Ready")).toMatchObject({ reason: "TooManySources" });
  watchers.set(all[7] ?? "", undefined);
  expect(watchers.set(all[100] ?? "", watched)).toBe(true);
});

test("a cache tells what is in a namespace, whatever came and went", () => {
  const event = fc.record({
    type: fc.constantFrom("applied", "deleted", "listed", "forget"),
    name: fc.constantFrom("a", "b", "c"),
    namespace: fc.constantFrom("x", "y"),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const caches = createCaches([httpRequestKind], (a, b) => Number(a) > Number(b));
      const cache = caches.of(httpRequestKind);
      events.forEach(({ type, name, namespace }, index) => {
        const resourceVersion = String(index + 1);
        const resource = httpRequest({}, { name, namespace, uid: `${namespace}-${name}`, resourceVersion });
        if (type === "forget") cache.forget(resource);
        else if (type === "listed") cache.apply({ type, resources: [resource], resourceVersion });
        else cache.apply({ type: type as "applied", resource });
        for (const one of ["x", "y"])
          expect(new Set(caches.inNamespace("HTTPRequest", one))).toEqual(
            new Set([...cache.all()].filter(({ metadata }) => metadata.namespace === one)),
          );
      });
    }),
    runs(300),
  );
});
