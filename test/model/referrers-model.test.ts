/**
 * Who waits for whom when all of it is deleted, explored by the real plans: an endpoint, a parent that uses it, and a child that
 * uses both, in every order of reconciles, deletions, an edit after which the child names its parent no more, a server that fails,
 * and a crash after a DELETE. With a look at what others were a moment ago nothing may be left behind: what is referred to may go
 * first then, since it cannot know.
 *
 * Its twin without the wait shows that the wait is what holds.
 */
import { hash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { httpResource, type HTTPResourceSpec } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import type { Condition } from "../../src/core/conditions.ts";
import type { Evaluation } from "../../src/core/evaluation.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Situation, Step, Verdict } from "../../src/core/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpEndpointKind } from "../../src/kinds/http-endpoint.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { httpEndpointType, type Endpoint, type HTTPResource } from "../../src/kinds/types.ts";
import { answer, now } from "../support/resource-plan.ts";

const names = ["api", "parent", "child"] as const;
type Name = (typeof names)[number];
interface Kept {
  readonly generation: number;
  readonly status: object;
  readonly finalizers: readonly string[];
  readonly isDeleting: boolean;
  /** Of the child: it names its parent. */
  readonly refers: boolean;
}
type Objects = Readonly<Record<Name, Kept | null>>;
type Left = Readonly<Record<"declare" | "edit" | "fault" | "lag", number>>;
interface World {
  readonly objects: Objects;
  /** A moment ago. */
  readonly before: Objects;
  readonly remote: { readonly parent: boolean; readonly child: boolean };
  readonly hours: number;
  readonly left: Left;
  readonly wrong?: string;
}

const validate = validator(httpResource.spec);
function specOf(name: Name, refers: boolean): HTTPResourceSpec {
  const path = name === "parent" || !refers ? `/${name}` : `/\${ .inputs.parent }/child`;
  const { value, problems } = validate({
    endpointRef: { name: "api" },
    externalID: ".metadata.name",
    ...(name === "child" &&
      refers && {
        inputs: { parent: { objectRef: { kind: "HTTPResource", name: "parent", expression: ".status.externalID" } } },
      }),
    observe: { path },
    create: { path, method: "PUT" },
    delete: { path: name === "child" ? "/parent/child" : path },
  });
  expect(problems).toEqual([]);
  return value as HTTPResourceSpec;
}
const specs = new Map<string, HTTPResourceSpec>();
function objectOf(name: Name, { generation, status, finalizers, isDeleting, refers }: Kept): Resource {
  const id = `${name} ${refers}`;
  const spec = name === "api" ? { baseURL: "https://users.example.com" } : (specs.get(id) ?? specOf(name, refers));
  if (name !== "api") specs.set(id, spec as HTTPResourceSpec);
  const metadata = { name, namespace: "n", uid: name, generation, resourceVersion: "1", finalizers };
  return { metadata: { ...metadata, ...(isDeleting && { deletionTimestamp: now.toISOString() }) }, spec, status };
}

/** Those that are there, as `seen` has them; itself as it is now. */
function situationOf(world: World, name: Name, seen: Objects, waits: boolean): Situation | undefined {
  const own = world.objects[name];
  if (!own) return undefined;
  const resource = objectOf(name, own);
  const find = (other: string): Resource | undefined => {
    const kept = names.includes(other as Name) ? seen[other as Name] : null;
    return kept ? objectOf(other as Name, kept) : undefined;
  };
  const referrers = names.flatMap((other) => {
    const kept = other === name || other === "api" ? null : seen[other];
    const refers = name === "api" || (name === "parent" && other === "child" && kept?.refers === true);
    return kept && refers && waits ? [{ kind: "HTTPResource", resource: objectOf(other, kept) }] : [];
  });
  const references = name === "api" ? [] : httpResourceKind.references(resource as HTTPResource);
  return {
    resource,
    references: references.map(({ key }) => find(key.name)),
    now: new Date(now.getTime() + world.hours * 7_200_000),
    instanceId: "me",
    referrers: () => referrers,
  };
}

function evaluated(evaluation: Evaluation, name: Name): unknown {
  if ("object" in evaluation) {
    const { externalID = null } = (evaluation.object.status ?? {}) as { readonly externalID?: string };
    return { type: "values", values: evaluation.expressions.map(() => externalID) };
  }
  if ("inputsOf" in evaluation) return { type: "values", values: ["k:1"] };
  if (!("expressions" in evaluation)) throw new Error(`not foreseen: ${JSON.stringify(evaluation)}`);
  const values = evaluation.expressions.map(({ field }) => (field === "spec.externalID" ? name : null));
  return { type: "values", values, ...("compare" in evaluation && { differences: [] }) };
}

function put(world: World, name: Name, kept: Kept): World {
  const isOver = kept.isDeleting && kept.finalizers.length === 0;
  return { ...world, before: world.objects, objects: { ...world.objects, [name]: isOver ? null : kept } };
}
function hold(world: World, name: Name, finalizer: string, present = true): World {
  const kept = world.objects[name];
  if (!kept || (present && kept.finalizers.includes(finalizer))) return world;
  const others = kept.finalizers.filter((one) => one !== finalizer);
  return put(world, name, { ...kept, finalizers: present ? [...others, finalizer] : others });
}
function spend(world: World, what: keyof Left): World {
  return { ...world, left: { ...world.left, [what]: world.left[what] - 1 } };
}

const early = "the parent's DELETE before its child's";
/** How a DELETE goes: as asked, refused for now, or done while the process ends. */
type Fate = "done" | "fails" | "crashes";
/** One reconcile, from its beginning to its end. */
function reconcile(start: World, name: Name, { seen, fate, waits }: { seen: Objects; fate: Fate; waits: boolean }): World {
  const situation = situationOf(start, name, seen, waits);
  if (!situation) return start;
  const plan =
    name === "api"
      ? httpEndpointKind.plan(situation as Situation<Endpoint>)
      : httpResourceKind.plan(situation as Situation<HTTPResource>);
  let world = { ...start, hours: start.hours + 1 };
  let step: IteratorResult<Step, Verdict> = plan.next();
  while (!step.done) {
    const { value } = step;
    switch (value.type) {
      case "evaluate":
        step = plan.next(evaluated(value.evaluation, name) as never);
        continue;
      case "check":
        step = plan.next({ type: "usable" } as never);
        continue;
      case "exchange": {
        for (const { type, finalizer } of value.holds ?? [])
          if (type.kind === httpEndpointType.kind) world = hold(world, "api", finalizer);
        if (value.finalizer !== undefined) world = hold(world, name, value.finalizer);
        const served = serve(world, name, value.exchange, fate);
        world = served.world;
        if (served.crashed) return world;
        step = plan.next(answer(served.status));
        continue;
      }
      case "checkOutputs":
      case "exchanges":
      case "find":
      case "remove":
      case "writeOutputs":
        throw new Error(`not foreseen: ${value.type}`);
    }
  }
  return applied(world, name, step.value);
}
function applied(world: World, name: Name, { status, finalizer, holds = [] }: Verdict): World {
  const kept = world.objects[name];
  if (!kept) return world;
  let after = JSON.stringify(kept.status) === JSON.stringify(status) ? world : put(world, name, { ...kept, status });
  for (const one of holds) after = hold(after, "api", one.finalizer);
  return finalizer ? hold(after, name, finalizer.name, finalizer.present) : after;
}

/** The server refuses to delete a parent that has a child, and deletes nothing with anything. */
function serve(
  world: World,
  name: Name,
  { request: { method } }: Exchange,
  fate: Fate,
): { readonly world: World; readonly status: number; readonly crashed?: true } {
  const { remote, objects } = world;
  const of = name === "parent" ? "parent" : "child";
  if (!objects.api) return { world: { ...world, wrong: `${method} of ${name} without its endpoint` }, status: 500 };
  if (method === "GET") return { world, status: remote[of] ? 200 : 404 };
  if (method !== "DELETE") {
    if (of === "child" && !remote.parent) return { world, status: 422 };
    return { world: { ...world, remote: { ...remote, [of]: true } }, status: 201 };
  }
  const isHeld = of === "parent" && objects.child?.refers === true && objects.child.finalizers.length > 0;
  const judged: World = isHeld ? { ...world, wrong: early } : world;
  if (fate === "fails") return { world: judged, status: 503 };
  if (of === "parent" && remote.child) return { world: judged, status: 409 };
  const after = { ...judged, remote: { ...remote, [of]: false } };
  return { world: after, status: remote[of] ? 204 : 404, ...(fate === "crashes" && { crashed: true }) };
}

function* successors(world: World, waits: boolean): Generator<World> {
  const { objects, left } = world;
  for (const name of names) {
    const kept = objects[name];
    if (!kept) continue;
    const how = { seen: objects, fate: "done" as const, waits };
    yield reconcile(world, name, how);
    if (left.lag > 0) yield spend(reconcile(world, name, { ...how, seen: world.before }), "lag");
    if (left.fault > 0)
      for (const fate of ["fails", "crashes"] as const) yield spend(reconcile(world, name, { ...how, fate }), "fault");
    if (!kept.isDeleting) yield put(world, name, { ...kept, isDeleting: true });
  }
  const { child } = objects;
  if (left.declare > 0 && !child) yield spend(put(world, "child", born(true)), "declare");
  if (left.edit > 0 && child && child.refers && !child.isDeleting)
    yield spend(put(world, "child", { ...child, refers: false, generation: child.generation + 1 }), "edit");
}
const born = (refers: boolean): Kept => ({ generation: 1, status: {}, finalizers: [], isDeleting: false, refers });

/** Where all are told to go, all go, in whatever order they are looked at from then on, or say what they wait for. */
function ending(start: World): string | undefined {
  for (const order of [names, names.toReversed()]) {
    let world = start;
    for (let round = 0; round < 6; round += 1)
      for (const name of order) world = reconcile(world, name, { seen: world.objects, fate: "done", waits: true });
    const left = names.flatMap((name) => world.objects[name] ?? []);
    if (left.some(isNotDeleted)) continue;
    if (left.length > 0) return "a deletion does not end";
    if (world.remote.parent || world.remote.child) return "it is left behind, and nobody says so";
    if (world.wrong !== undefined) return world.wrong;
  }
  return undefined;
}
/** Of what was never seen a 404 proves nothing: where the answer to its DELETE was lost, a person is asked. */
function isNotDeleted({ status }: Kept): boolean {
  const { seen, conditions = [] } = status as { readonly seen?: boolean; readonly conditions?: readonly Condition[] };
  return seen === false && conditions.some(({ type, reason }) => type === "Stalled" && reason === "NotDeleted");
}
/** Whoever waits says for whom. */
function isSilent({ objects: { parent, child } }: World): boolean {
  if (!parent?.isDeleting || !child?.refers || child.finalizers.length === 0) return false;
  const { conditions = [], observedGeneration } = parent.status as {
    readonly conditions?: readonly Condition[];
    readonly observedGeneration?: number;
  };
  const ready = conditions.find(({ type }) => type === "Ready");
  return observedGeneration !== undefined && ready?.reason === "InUse" && !ready.message.includes('HTTPResource "child"');
}

function keyOf({ before, ...world }: World): string {
  const shown = world.left.lag > 0 ? { ...world, before } : world;
  const isCount = (name: string): boolean => ["hours", "completedRuns", "tries", "id"].includes(name);
  const text = JSON.stringify(shown, (name, value: unknown) => (isCount(name) ? undefined : value));
  return hash("sha1", text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|; try \d+/g, ""), "base64");
}
function explore(
  left: Partial<Left>,
  waits = true,
): { readonly worlds: number; readonly ends: number; readonly found: string[] } {
  const objects: Objects = { api: born(false), parent: born(false), child: null };
  const none = { declare: 1, edit: 0, fault: 0, lag: 0 };
  const pending: World[] = [
    { objects, before: objects, remote: { parent: false, child: false }, hours: 0, left: { ...none, ...left } },
  ];
  const seen = new Set<string>();
  const found = new Set<string>();
  let ends = 0;
  for (const world of pending) {
    const key = keyOf(world);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > 60_000) throw new Error("more worlds than expected");
    const present = names.flatMap((name) => world.objects[name] ?? []);
    const wrong = world.wrong ?? (isSilent(world) ? "it waits, and does not say for whom" : undefined);
    if (wrong !== undefined) {
      found.add(wrong);
      continue;
    }
    if (present.every(({ isDeleting }) => isDeleting)) {
      ends += 1;
      const problem = waits ? ending(world) : undefined;
      if (problem !== undefined) found.add(problem);
    }
    pending.push(...successors(world, waits));
  }
  return { worlds: seen.size, ends, found: [...found] };
}

describe("what is referred to goes last, and all of it goes", () => {
  test.each<[string, Partial<Left>]>([
    ["in every order", {}],
    ["after an edit by which the child names its parent no more", { edit: 1 }],
    ["with a server that fails, or a crash", { fault: 1 }],
  ])("%s", (_title, left) => {
    const { worlds, ends, found } = explore(left);
    expect(found).toEqual([]);
    expect(worlds).toBeGreaterThan(100);
    expect(ends).toBeGreaterThan(20);
  });
  test("where one sees what others were a moment ago, all goes all the same", () => {
    const { found } = explore({ lag: 1 });
    const late = /^(GET|PUT|DELETE) of \w+ without its endpoint$/;
    expect(found.filter((problem) => problem !== early && !late.test(problem))).toEqual([]);
  });
  test("without the wait the parent's DELETE comes first, or the endpoint goes", () => {
    expect(explore({}, false).found).toContain(early);
  });
});
