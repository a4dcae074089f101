/**
 * From any spec to any other by an update, and where that ends: as a fresh apply of the other does. What is left of the way
 * is history: times, ids, runs, and what the latest answer was.
 */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { httpRequest, type HTTPRequestSpec, type HTTPRequestStatus } from "../../src/api/http-request.ts";
import { httpResource } from "../../src/api/http-resource.ts";
import type { ObjectSchema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";
import type { Kind } from "../../src/core/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { sendDigest } from "../../src/kinds/request/request.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { resembling } from "../support/resembling.ts";
import { walk, type Walked } from "../support/scripted-world.ts";

const requests = httpRequestKind as unknown as Kind;
const resources = httpResourceKind as unknown as Kind;
const noon = new Date("2026-01-31T12:00:00Z");

type Fields = Readonly<Record<string, unknown>>;
/** Any spec that the API server takes, with its defaults. `obeying` mends what the rules across fields most often forbid. */
function anySpecOf<Spec>(schema: ObjectSchema, obeying: (spec: Fields) => object): fc.Arbitrary<Spec> {
  const validate = validator(schema);
  return resembling(schema)
    .map((spec) => validate(obeying(spec as Fields)))
    .filter(({ problems }) => problems.length === 0)
    .map(({ value }) => JSON.parse(JSON.stringify(value)) as Spec);
}
/** A walk comes to rest: what would be tried until it succeeds has an end. */
const withEnd = (spec: HTTPRequestSpec): HTTPRequestSpec => ({ ...spec, retry: { limit: 5, ...spec.retry } });
const anySpec = anySpecOf<HTTPRequestSpec>(httpRequest.spec, ({ forEach, poll, rerunOn, trigger, sign, ...spec }) => {
  const isJoined = spec["endpointRef"] !== undefined;
  const isRepeated = forEach !== undefined && poll === undefined;
  const isAlone = !isRepeated && rerunOn === undefined && spec["schedule"] === undefined;
  return {
    ...targeted(spec, isJoined),
    ...(isRepeated && { forEach }),
    ...(poll !== undefined && { poll }),
    ...(rerunOn !== undefined && { rerunOn: { inputs: ["*"] } }),
    ...(trigger !== undefined && isAlone && { trigger }),
    ...(sign !== undefined && !isJoined && { sign }),
  };
}).map(withEnd);
const anyResourceSpec = anySpecOf<object>(httpResource.spec, (spec) => {
  const verbs = ["observe", "lookup", "create", "update", "beforeDelete", "delete"].filter((verb) => spec[verb] !== undefined);
  const isJoined = spec["endpointRef"] !== undefined;
  const targets = verbs.map((verb) => [verb, targetedVerb(spec[verb] as Fields, isJoined)]);
  return {
    create: isJoined ? {} : { url: "https://h/" },
    externalID: ".response.body.a",
    ...spec,
    ...Object.fromEntries(targets),
  };
});
/** With a url, or with an endpoint a path. */
function targeted({ url, path, ...shape }: Fields, isJoined: boolean): object {
  return isJoined ? { ...shape, ...(path !== undefined && { path }) } : { ...shape, url: url ?? "https://h/" };
}

/** An endpoint of its own only beside that of all, since nothing is there of either: with it most would end alike. */
function targetedVerb({ endpointRef, ...shape }: Fields, isJoined: boolean): object {
  return { ...targeted(shape, isJoined), ...(isJoined && endpointRef !== undefined && { endpointRef }) };
}

function applied({ resource, now }: Pick<Walked, "resource" | "now">, spec: object): Pick<Walked, "resource" | "now"> {
  return {
    now,
    resource: { ...resource, metadata: { ...resource.metadata, generation: resource.metadata.generation + 1 }, spec },
  };
}
function fresh(spec: object, now: Date): Pick<Walked, "resource" | "now"> {
  const metadata = { name: "a", namespace: "team-a", uid: "uid-1", generation: 0, resourceVersion: "1" };
  return applied({ now, resource: { metadata, spec } }, spec);
}
const statusOf = ({ status = {} }: Resource): HTTPRequestStatus => status;
/** The state, without the history. */
function stateOf({ resource }: Walked): unknown {
  const { conditions = [], schedule } = statusOf(resource);
  const now = conditions.filter(({ type }) => type !== "Succeeded");
  return {
    conditions: now.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    schedule: schedule?.declared,
  };
}
function wasAttempted({ resource }: Walked, spec: HTTPRequestSpec): boolean {
  return statusOf(resource).attempt?.digest === sendDigest(spec);
}

test(
  "F19: from any HTTPRequest to any other, at any moment, the end is that of a fresh apply",
  () => {
    const reasons = new Set<string | undefined>();
    fc.assert(
      fc.property(anySpec, anySpec, fc.nat(4), fc.boolean(), (a, b, reconciles, diesAtIntent) => {
        const first = walk(requests, fresh(a, noon), { diesAtIntent, ...(reconciles > 0 && { reconciles }) });
        fc.pre(!wasAttempted(first, b));
        const end = walk(requests, applied(first, b));
        reasons.add(statusOf(end.resource).conditions?.[0]?.reason);
        expect(stateOf(end)).toEqual(stateOf(walk(requests, fresh(b, first.now))));
      }),
      runs(60),
    );
    expect(reasons.size).toBeGreaterThan(4);
  },
  fuzzTimeoutMs,
);

test(
  "F19: there and back again, the end is that of a fresh apply, and as often sent",
  () => {
    fc.assert(
      fc.property(anySpec, anySpec, (a, b) => {
        const first = walk(requests, fresh(a, noon));
        fc.pre(!wasAttempted(first, b));
        const second = walk(requests, applied(first, b));
        fc.pre(!wasAttempted(second, a));
        const back = walk(requests, applied(second, a));
        const anew = walk(requests, fresh(a, second.now));
        expect(stateOf(back)).toEqual(stateOf(anew));
        const tries = ({ resource }: Walked): number | undefined => statusOf(resource).attempt?.tries;
        if (wasAttempted(back, a)) expect(tries(back)).toBe(tries(anew));
      }),
      runs(30),
    );
  },
  fuzzTimeoutMs,
);

test(
  "F19: a change of what is not sent sends nothing, once an HTTPRequest has ended",
  () => {
    fc.assert(
      fc.property(anySpec, anySpec, (a, b) => {
        const first = walk(requests, fresh(a, noon));
        fc.pre(statusOf(first.resource).attempt?.phase === "Done");
        const { url, endpointRef, path, method, query, headers, body, inputs, forEach } = a;
        const { schedule: _, rerunOn: __, url: ___, endpointRef: ____, path: _____, ...rest } = b;
        const mixed = JSON.parse(
          JSON.stringify({ ...rest, url, endpointRef, path, method, query, headers, body, inputs, forEach }),
        ) as HTTPRequestSpec;
        expect(walk(requests, applied(first, mixed)).sent).toBe(0);
      }),
      runs(30),
    );
  },
  fuzzTimeoutMs,
);

/** One that differs from what is observed, and one that is not observed: of it nobody knows whether it differs. */
const drifted = [
  { observe: { url: "https://h/" }, create: { url: "https://h/" }, upToDate: "é" },
  { externalID: ".response.body.a", create: { url: "https://h/" } },
].map((spec) => validator(httpResource.spec)(spec).value as object) as [object, object];

test(
  "F19: from any HTTPResource to any other, as long as nothing was sent to change anything or taken over, the end is that of a fresh apply",
  () => {
    const reasons = new Set<string | undefined>();
    fc.assert(
      fc.property(anyResourceSpec, anyResourceSpec, fc.nat(4), (a, b, reconciles) => {
        const first = walk(resources, fresh(a, noon), reconciles > 0 ? { reconciles } : {});
        const { attempt, externalID, seen } = statusOf(first.resource) as {
          attempt?: object;
          externalID?: string;
          seen?: boolean;
        };
        fc.pre(!attempt && externalID === undefined && seen !== true); // seen: taken over without an id
        const end = walk(resources, applied(first, b));
        reasons.add(statusOf(end.resource).conditions?.[0]?.reason);
        expect(stateOf(end)).toEqual(stateOf(walk(resources, fresh(b, first.now))));
      }),
      { ...runs(80), examples: [[...drifted, 0]] },
    );
    expect(reasons.size).toBeGreaterThan(4);
  },
  fuzzTimeoutMs,
);
