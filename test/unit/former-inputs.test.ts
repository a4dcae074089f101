/** What an HTTPResource took of others serves the spec for which it was taken, with scripted answers. */
import { expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import { after, answer, differs, drive, held, resource, same, user, values } from "../support/resource-plan.ts";

const inputs = { project: { objectRef: { kind: "HTTPResource", name: "p", expression: ".status.externalID" } } };
const body = { json: { age: "${ .parameters.age }", project: "${ .inputs.project }" } };
const written = { ...user, inputs, create: { ...user.create, body }, update: { ...user.update, body } };
const changed = { ...written, parameters: { ...user.parameters, age: 37 } };

function parent(isReady: boolean): Resource {
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False", reason: "R", message: "", lastTransitionTime: "" }];
  return {
    metadata: { name: "p", namespace: "team-a", uid: "p", generation: 1, resourceVersion: "1" },
    spec: {},
    status: { observedGeneration: 1, conditions },
  };
}
const minutes = (count: number) => after(count * 60_000);
const made = (): HTTPResourceStatus =>
  drive(resource(written), [values("old"), answer(201), values("d:old"), values("7")], { references: [parent(true)] }).status;
/** How it is looked at once more. */
function look(
  spec: object,
  status: HTTPResourceStatus,
  more: { generation: number; at: number; isReady: boolean },
  answers: Parameters<typeof drive>[1],
) {
  const object = resource(spec, { status, finalizers: held, generation: more.generation });
  return drive(object, answers, { ...minutes(more.at), references: [parent(more.isReady)] });
}
/** With which of the inputs it was sent. */
function projectOf({ steps }: ReturnType<typeof drive>, method: string): unknown {
  const sent = steps.find((step) => step.type === "exchange" && step.exchange.request.method === method);
  return sent?.type === "exchange" ? sent.exchange.scope.inputs["project"] : undefined;
}

test("with what it took an object is looked after while the other is not Ready", () => {
  const seen = look(written, made(), { generation: 1, at: 20, isReady: false }, [answer(200), same, values("d:old")]);
  expect([seen.state, seen.status.inputs]).toEqual(["True/Created", { project: "old" }]);
  const drifted = look(written, seen.status, { generation: 1, at: 40, isReady: false }, [
    answer(200),
    differs(".age"),
    values("d:old"),
    answer(200),
  ]);
  expect(projectOf(drifted, "PUT")).toMatchObject({ value: "old" });
});

test("a spec that was changed since is sent with what the other has when it is Ready, however often it is looked at before", () => {
  let status = made();
  for (const at of [1, 2, 60, 600]) {
    const waiting = look(changed, status, { generation: 2, at, isReady: false }, []);
    expect([waiting.sent, waiting.state]).toEqual([[], "False/DependencyNotReady Reconciling"]);
    expect(waiting.status.inputs).toEqual({ project: "old" });
    ({ status } = waiting);
  }
  const sent = look(changed, status, { generation: 2, at: 700, isReady: true }, [
    values("new"),
    answer(200),
    differs(".age"),
    values("d:new"),
    answer(200),
  ]);
  expect([sent.state, projectOf(sent, "PUT"), sent.status.inputs]).toEqual([
    "True/Updated",
    expect.objectContaining({ value: "new" }),
    { project: "new" },
  ]);
  const after = look(changed, sent.status, { generation: 2, at: 800, isReady: false }, [
    answer(200),
    differs(".age"),
    values("d:new"),
    answer(200),
  ]);
  expect(projectOf(after, "PUT")).toMatchObject({ value: "new" });
});

test("a spec that only another spec mends has been observed, one that others' state holds up has not", () => {
  const malformed: EvaluationResult = {
    type: "refusal",
    reason: "InvalidExpression",
    message: "it does not parse",
    heals: false,
  };
  const refused = look(changed, made(), { generation: 2, at: 1, isReady: true }, [malformed]);
  expect([refused.state, refused.status.observedGeneration]).toEqual(["False/InvalidExpression Stalled", 2]);
  const waiting = look(changed, made(), { generation: 2, at: 1, isReady: false }, []);
  expect(waiting.status.observedGeneration).toBe(1);
});

test("a spec in a circle has been observed, and is sent only when what it waits for is Ready without one", () => {
  const cycle = ["HTTPResource/ada", "HTTPResource/p", "HTTPResource/ada"];
  const object = (status: HTTPResourceStatus) => resource(changed, { status, finalizers: held, generation: 2 });
  let { status } = drive(object(made()), [], { ...minutes(1), references: [parent(true)], cycle });
  for (const at of [2, 3]) {
    const again = drive(object(status), [], { ...minutes(at), references: [parent(true)], cycle });
    expect([again.state, again.status.observedGeneration]).toEqual(["False/DependencyCycle Stalled", 2]);
    ({ status } = again);
  }
  for (const at of [4, 5]) {
    const waiting = look(changed, status, { generation: 2, at, isReady: false }, []);
    expect([waiting.state, waiting.status.observedGeneration]).toEqual(["False/DependencyNotReady Reconciling", 1]);
    expect(waiting.status.inputs).toEqual({ project: "old" });
    ({ status } = waiting);
  }
});

test("suspending it in between changes nothing of that", () => {
  const { status } = look({ ...changed, suspend: true }, made(), { generation: 2, at: 1, isReady: false }, []);
  const first = look(changed, status, { generation: 3, at: 2, isReady: false }, []);
  expect(look(changed, first.status, { generation: 3, at: 60, isReady: false }, []).sent).toEqual([]);
});
