/** What was found out, and is written down. */
import { describe, expect, test } from "@jest/globals";
import type { Secrets } from "../../src/core/mask-secrets.ts";
import type { Response } from "../../src/core/outcome.ts";
import { redact } from "../../src/core/redacted.ts";
import { createShown } from "../../src/core/shown.ts";
import { isSameContent, recordResponse, keepRecorded, type Keeping } from "../../src/kinds/request/recorded.ts";
import type { Kind, Plan, Situation } from "../../src/core/plan.ts";
import type { WatchEvent } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, memoryStore, thing, type } from "../support/memory-store.ts";
import { answer, condition, drive, httpRequest, reset } from "../support/request-plan.ts";

describe("recorded", () => {
  const keeping = { record: "Body" } as Keeping;
  const none: Secrets = { kept: [], derived: [] };

  function response(body: string, secrets: () => Secrets = () => none, headers: Response["headers"] = {}): Response {
    const shown = createShown({ headers, body }, secrets);
    return { statusCode: 200, headers, body: redact(body), shown, sizeBytes: body.length, sha256: "ab", durationMs: 1 };
  }

  test("no field is looked through that nobody asks for, and none before it is asked for", () => {
    let asked = 0;
    const secrets = (): Secrets => {
      asked += 1;
      return { kept: ["s3cr3t"], derived: [] };
    };
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`x-field-${index}`, "s3cr3t"]));
    const one = response("a s3cr3t", secrets, { ...many, "content-type": "text/s3cr3t" });
    expect(asked).toBe(0);
    expect(recordResponse(one, { record: "None" })).toEqual({});
    expect(asked).toBe(0);
    const { response: record } = recordResponse(one, keeping);
    expect(record).toMatchObject({ body: "a ***", headers: { "content-type": "text/***" } });
    expect(asked).toBeLessThanOrEqual(4);
  });

  test("a digest is kept unless it is switched off, or a secret went out with the request", () => {
    const digestOf = (one: Response, more: Partial<Keeping> = {}) =>
      recordResponse(one, { ...keeping, ...more }).response?.sha256;
    expect(digestOf(response("{}"))).toBe("ab");
    expect(digestOf(response("{}"), { recordDigest: false })).toBeUndefined();
    expect(digestOf(response("{}", () => ({ kept: ["1234"], derived: [] })))).toBeUndefined();
    const before = recordResponse(response("{}"), keeping).response;
    expect(keepRecorded(before, { ...keeping, recordDigest: false }).response).not.toHaveProperty("sha256");
    expect(keepRecorded(before, keeping).response).toEqual(before);
  });

  test("without a digest a record is that of the same content by the body that it keeps", () => {
    const record = (body: string) => recordResponse(response(body), { ...keeping, recordDigest: false }).response;
    expect([isSameContent(record("a"), record("a")), isSameContent(record("a"), record("b"))]).toEqual([true, false]);
    expect([isSameContent(undefined, record("a")), isSameContent(record("a"), undefined)]).toEqual([false, false]);
  });

  test("nothing is kept that may hold a Secret which cannot be read now, and why is said", () => {
    const parts = { headers: { etag: "1234" }, body: "1234", hidden: { texts: [], isWhole: false } };
    const record = recordResponse({ ...response("1234"), shown: createShown(parts) }, keeping);
    expect(record.response).toEqual({
      statusCode: 200,
      sizeBytes: 4,
      durationMs: 1,
      bodyOmitted: expect.stringContaining("cannot be read now"),
    });
  });

  test.each([
    [{ token: ".response.body.token" }, { "content-type": "text/plain", etag: "abcd" }],
    [{ token: '.response.headers["etag"]' }, { "content-type": "text/plain" }],
    [{ id: ".response.body.id", all: "(.response | .headers | tojson)" }, { "content-type": "text/plain" }],
  ])("where a Secret is made of %j, header fields that it can hold are not kept", (data, headers) => {
    const one = response("{}", () => none, { "content-type": "text/plain", etag: "abcd", location: "/abcd" });
    const outputs: Keeping["outputs"] = [{ secret: { name: "it", type: "Opaque" }, data, whenMissing: "Keep" }];
    expect(recordResponse(one, { ...keeping, outputs }).response?.headers).toEqual(headers);
  });

  test("a body in which secrets cannot be looked for is not kept, and why is said", () => {
    const many: Secrets = { kept: Array.from({ length: 2_000 }, (_, index) => `secret-${index}`), derived: [] };
    const record = recordResponse(
      response("a body that is long enough", () => many, { etag: "long enough for them" }),
      keeping,
    );
    expect(record.response).toMatchObject({ bodyOmitted: expect.stringContaining("too many secrets") });
    expect(record.response).not.toHaveProperty("body");
    expect(record.response).not.toHaveProperty("headers");
  });
});

// A change of what a resource uses, which may have mended it: it is told of until a look has made something of it.
describe("mended", () => {
  test("a look that only waits leaves it to the next, and one that has tried ends it", async () => {
    const stop = new AbortController();
    const seen: boolean[] = [];
    const change = Promise.withResolvers<void>();
    const endpoint = { ...type, kind: "Used", plural: "useds" };
    function* plan({ resource, mayBeMended = false }: Situation): Plan {
      yield* [];
      seen.push(mayBeMended);
      const status = resource.status ?? {};
      if (seen.length === 1) change.resolve();
      if (seen.length === 5) stop.abort();
      const result = seen.length === 3 ? "retrying" : "waiting";
      return { status, result, reason: "Retrying", ...(seen.length > 1 && { requeueAfterMs: 1 }) };
    }
    const user: Kind = { type, references: () => [{ type: endpoint, key: { namespace: "n", name: "used" } }], plan };
    const used = { type: endpoint, references: () => [] };
    const { store } = memoryStore([thing("user")]);
    const one = thing("used");
    async function* watch(): AsyncGenerator<WatchEvent> {
      yield { type: "listed", resources: [one], resourceVersion: "1" };
      await change.promise;
      const metadata = { ...one.metadata, generation: 2, resourceVersion: "2", labels: { changed: "yes" } };
      yield { type: "applied", resource: { ...one, metadata } };
      await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
    }
    const both: typeof store = {
      ...store,
      watch: (kind, signal) => (kind.kind === endpoint.kind ? watch() : store.watch(kind, signal)),
    };
    const controller = createController({
      kinds: [user, used],
      store: both,
      requester: idle,
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    await controller.run(stop.signal, stop.signal);
    expect(seen).toEqual([false, true, true, false, false]);
  });
});

// "It arrived": what a person's word makes of an attempt whose outcome nobody knows.
describe("arrived", () => {
  const start = "2026-01-01T00:00:00.000Z";
  const later = "2026-01-01T00:10:00.000Z";
  const every = { every: "5m", timeZone: "UTC", missed: "RunOnce" } as const;
  const lost = drive(httpRequest(), start, [reset]);
  const id = lost.status.attempt?.id ?? "";
  const saying = (arrived: string): { annotations: Record<string, string> } => ({
    annotations: { "holdfast.dev/arrived": arrived },
  });

  test("the condition names both ways, with the attempt's id", () => {
    const { message } = condition(lost.status, "Stalled") ?? {};
    expect(message).toContain(`If it has, set the annotation holdfast.dev/arrived: ${id};`);
    expect(message).toContain("to send it again change the annotation holdfast.dev/reconcile-at");
  });

  test("the attempt's id ends it well, with nothing sent, and it rests", () => {
    const { steps, status, verdict } = drive(httpRequest({}, { status: lost.status, ...saying(id) }), later);
    expect([steps, verdict.result]).toEqual([[], "succeeded"]);
    expect(condition(status, "Ready")).toMatchObject({ status: "True", reason: "AcknowledgedAsDelivered" });
    expect(status).toMatchObject({
      attempt: { id, phase: "Done" },
      completedRuns: 1,
      history: [{ attemptId: id, succeeded: true }],
    });
    const again = drive(httpRequest({}, { status, ...saying(id) }), later);
    expect([again.steps, again.status]).toEqual([[], status]);
  });

  test.each(["another", "", `${id} `])("another id, %j, says nothing", (other) => {
    const { steps, status } = drive(httpRequest({}, { status: lost.status, ...saying(other) }), later);
    expect([steps, status]).toEqual([[], lost.status]);
  });

  test("an annotation that was left says nothing of a later attempt", () => {
    const { status } = drive(httpRequest({}, { status: lost.status, ...saying(id) }), later);
    const changed = { method: "POST", url: "https://example.com/other" } as const;
    const next = drive(httpRequest(changed, { status, generation: 2, ...saying(id) }), later, [reset]);
    expect(condition(next.status, "Stalled")?.reason).toBe("OutcomeUnknown");
    expect(drive(httpRequest(changed, { status: next.status, generation: 2, ...saying(id) }), later).status).toEqual(next.status);
  });

  test("what is declared otherwise by now is sent, whatever is said of what was before", () => {
    const changed = { url: "https://example.com/other" };
    const { steps } = drive(httpRequest(changed, { status: lost.status, generation: 2, ...saying(id) }), later, [answer(200)]);
    expect(steps).toHaveLength(1);
  });

  test("one that a crash left in flight is taken as well, one that is on its way to another try is not", () => {
    const attempt = { ...lost.status.attempt!, phase: "InFlight" as const };
    const crashed = drive(httpRequest({}, { status: { ...lost.status, attempt }, ...saying(id) }), later);
    expect(condition(crashed.status, "Ready")?.reason).toBe("AcknowledgedAsDelivered");
    const retrying = { ...lost.status, attempt: { ...attempt, phase: "Retrying" as const } };
    expect(drive(httpRequest({}, { status: retrying, ...saying(id) }), later, [answer(200)]).steps).toHaveLength(1);
  });

  test("a schedule goes on with its next tick", () => {
    const stopped = drive(httpRequest({ schedule: every }), start, [reset]);
    const own = stopped.status.attempt?.id ?? "";
    const spec = { schedule: every };
    expect(drive(httpRequest(spec, { status: stopped.status }), later).steps).toEqual([]);
    const taken = drive(httpRequest(spec, { status: stopped.status, ...saying(own) }), later);
    expect(condition(taken.status, "Ready")).toMatchObject({ status: "True", reason: "AcknowledgedAsDelivered" });
    const next = drive(httpRequest(spec, { status: taken.status, ...saying(own) }), "2026-01-01T00:15:00.000Z", [answer(200)]);
    expect(next.status.attempt).toMatchObject({ tick: "2026-01-01T00:15:00.000Z", phase: "Done" });
  });

  test("what has to be made of its answer is missing, and said so", () => {
    const outputs = [{ configMap: { name: "c" }, data: { id: ".response.body.id" }, whenMissing: "Fail" }] as const;
    const { status } = drive(httpRequest({ outputs }, { status: lost.status, ...saying(id) }), later);
    expect(condition(status, "Stalled")).toMatchObject({ reason: "OutputMissing" });
  });

  test.each([
    ["Succeeded", "True", "AcknowledgedAsDelivered"],
    ["Failed", "False", "ItemsFailed"],
  ] as const)("of many, one that had %s stays so, and what was to be tried again has arrived", (phase, ready, reason) => {
    const spec = { forEach: { items: ["a", "b"] }, idempotencyKey: { header: "Idempotency-Key" } };
    const items = [
      { index: 0, id: "one", phase, reason: "UnexpectedStatus", tries: 1 },
      { index: 1, id: "two", phase: "Retrying", reason: "ConnectionReset", tries: 1 },
    ] as const;
    const sent = drive(httpRequest(spec), start, [{ type: "outcomes", outcomes: [answer(200), reset] }]).status;
    const attempt = { ...sent.attempt!, phase: "Unknown" as const };
    const said = httpRequest(spec, { status: { ...sent, attempt, items }, ...saying(attempt.id) });
    const { steps, status } = drive(said, later);
    expect(steps).toEqual([]);
    expect(condition(status, "Ready")).toMatchObject({ status: ready, reason });
    expect(status.items).toEqual([items[0], { ...items[1], phase: "Succeeded", reason: "AcknowledgedAsDelivered" }]);
  });
});
