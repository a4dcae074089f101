/** An HTTPResource whose requests go to endpoints of their own, with scripted answers. */
import { expect, test } from "@jest/globals";
import { httpResource } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { declaredVerbs } from "../../src/kinds/http-resource/render.ts";
import type { HTTPEndpoint, HTTPResource } from "../../src/kinds/types.ts";
import { answer, condition, drive, now, resource, same, values } from "../support/resource-plan.ts";

const verbs = ["observe", "lookup", "create", "update", "beforeDelete", "delete"] as const;
const own = (name: string) => ({ endpointRef: { name }, path: "/x" });
const all = {
  externalID: ".object.id",
  observe: own("observe"),
  lookup: { ...own("lookup"), match: "true" },
  create: own("create"),
  update: { ...own("update"), body: { json: {} } },
  beforeDelete: own("before"),
  delete: own("delete"),
};
const admin = { kind: "ClusterHTTPEndpoint", name: "delete" } as const;

function endpoint(name: string, spec: object = {}, namespace = "team-a"): HTTPEndpoint {
  const metadata = { name, namespace, uid: name, generation: 1, resourceVersion: "1" };
  return { metadata, spec: { baseURL: `https://${name}.example`, ...spec } } as HTTPEndpoint;
}
const referencesOf = (one: HTTPResource, there: readonly HTTPEndpoint[]): (Resource | undefined)[] =>
  httpResourceKind
    .references(one)
    .map(({ key }) => there.find(({ metadata }) => metadata.name === key.name && metadata.namespace === key.namespace));
const baseOf = ({ request }: Pick<Exchange, "request">) => (request.url.type === "joined" ? request.url.base : "none");

test.each<[string, object, string | undefined]>([
  ["its own", { create: own("a") }, undefined],
  ["that of all", { endpointRef: { name: "a" }, create: { path: "/x" } }, undefined],
  ["both, of which its own goes first", { endpointRef: { name: "a" }, create: own("b") }, undefined],
  ["a URL and another's endpoint", { create: { url: "https://a.example" }, observe: own("a") }, undefined],
  ["none", { create: { path: "/x" } }, "exactly one of create.url and endpointRef"],
  ["a URL and its own", { create: { ...own("a"), path: undefined, url: "https://a.example" } }, "exactly one of create.url"],
  ["a URL and that of all", { endpointRef: { name: "a" }, create: { url: "https://a.example" } }, "exactly one of create.url"],
  ["a path and only another's", { create: { url: "https://a.example", path: "/x" }, observe: own("a") }, "create.path goes with"],
])("%s: is accepted, or told", (_what, written, problem) => {
  const { problems } = validator(httpResource.spec)(written);
  if (problem === undefined) expect(problems).toEqual([]);
  else expect(JSON.stringify(problems)).toContain(problem);
});

test.each(verbs)("%s can have its own", (verb) => {
  expect(validator(httpResource.spec)({ ...all, [verb]: { ...all[verb], endpointRef: admin } }).problems).toEqual([]);
});

test("all of them are watched, each once, and an admin's with the labels of the namespace", () => {
  const some = resource({ ...all, endpointRef: { name: "create" }, delete: { path: "/x", endpointRef: admin } });
  const named = httpResourceKind.references(some).map(({ type, key, isTransitive }) => [type.kind, key.name, isTransitive]);
  expect(named).toEqual([
    ["HTTPEndpoint", "create", true],
    ["HTTPEndpoint", "observe", true],
    ["HTTPEndpoint", "lookup", true],
    ["HTTPEndpoint", "update", true],
    ["HTTPEndpoint", "before", true],
    ["ClusterHTTPEndpoint", "delete", true],
    ["Namespace", "team-a", true],
  ]);
});

test("each request goes to its own, and render shows it there", () => {
  const object = resource({ ...all, endpointRef: { name: "shared" }, create: { path: "/x" } });
  const shown = [...declaredVerbs(object, { endpointOf: ({ name }) => endpoint(name), known: new Map(), now })];
  expect(shown.map(({ verb, exchange }) => [verb, exchange && "request" in exchange ? baseOf(exchange) : exchange])).toEqual([
    ["lookup", "https://lookup.example"],
    ["observe", "https://observe.example"],
    ["create", "https://shared.example"],
    ["update", "https://update.example"],
    ["beforeDelete", "https://before.example"],
    ["delete", "https://delete.example"],
  ]);
});

test("what an endpoint says holds for its own requests alone", () => {
  const written = {
    externalID: ".object.id",
    endpointRef: { name: "reader" },
    observe: { path: "/x" },
    create: { ...own("writer") },
  };
  const there = [
    endpoint("reader", { refusedIf: ".response.body.wrong", headers: [{ name: "x", value: "reads" }] }),
    endpoint("writer", { idempotencyKey: { header: "Key" }, headers: [{ name: "x", value: "writes" }] }),
  ];
  const object = resource(written);
  const { steps, status } = drive(object, [answer(404), answer(201), values("7")], { references: referencesOf(object, there) });
  const sent = steps.flatMap((step) => (step.type === "exchange" ? [step] : []));
  expect(sent.map(({ exchange }) => baseOf(exchange))).toEqual(["https://reader.example", "https://writer.example"]);
  const fields = sent.map(({ exchange }) => exchange.request.literalHeaders.map(({ name, value }) => `${name}: ${value}`));
  expect([fields[0], fields[1]?.[0]]).toEqual([["x: reads"], "x: writes"]);
  expect(fields[1]?.[1]).toMatch(/^Key: /);
  // Its key is found again after a crash, whatever is declared by then.
  expect(sent[1]?.beforeSend.type).toBe("recordIntent");
  expect(status.externalID).toBe("7");
});

test("one that is not there, or is not for this namespace, is told by the field that names it, and nothing is sent", () => {
  const written = { observe: { url: "https://a.example" }, create: own("writer") };
  const missing = drive(resource(written), [answer(404)]);
  expect(missing.sent).toHaveLength(1);
  expect(condition(missing.status, "Ready")).toMatchObject({
    reason: "EndpointNotFound",
    message: 'spec.create.endpointRef: there is no HTTPEndpoint "writer" in this namespace',
  });
  const foreign = resource({ ...written, create: { path: "/x", endpointRef: { kind: "ClusterHTTPEndpoint", name: "writer" } } });
  const others = endpoint("writer", { allowedNamespaces: { from: "Names", names: ["other"] } }, "");
  const refused = drive(foreign, [answer(404)], { references: referencesOf(foreign, [others]) });
  expect(condition(refused.status, "Ready")).toMatchObject({
    reason: "EndpointNotAllowed",
    message: expect.stringContaining("spec.create.endpointRef: "),
  });
});

test("another endpoint for update is delivered to, and for observe is only asked", () => {
  const there = ["a", "b"].map((name) => endpoint(name));
  const written = (observe: string, update: string) => ({
    observe: own(observe),
    create: { url: "https://a.example" },
    update: { ...own(update), body: { json: { a: 1 } } },
  });
  const sentBy = (object: HTTPResource, ...answers: Parameters<typeof drive>[1] & object) =>
    drive(object, answers, { references: referencesOf(object, there) });
  const kept = sentBy(resource(written("a", "a")), answer(200), same).status;
  const asked = sentBy(resource(written("b", "a"), { status: kept, generation: 2 }), answer(200), same);
  expect(asked.sent).toEqual(["GET "]);
  const moved = sentBy(resource(written("a", "b"), { status: kept, generation: 2 }), answer(200), same, answer(200));
  expect(moved.sent).toEqual(["GET ", "PUT "]);
});
