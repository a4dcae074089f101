/** Which Secrets an HTTPResource's requests do not send, and keep out of what is shown of their answers. */
import { expect, test } from "@jest/globals";
import { answer, created, drive, held, now, resource, same, url, user, values } from "../support/resource-plan.ts";

const from = (key: string): { readonly secretKeyRef: { readonly name: string; readonly key: string } } => ({
  secretKeyRef: { name: "it", key },
});
const written = {
  ...user,
  create: { ...user.create, headers: [{ name: "X-First", value: "${ .inputs.first }" }] },
  delete: { ...user.delete, headers: [{ name: "X-Last", value: "${ .inputs.last }" }] },
  inputs: { first: from("first"), last: from("last"), open: { value: "of no Secret" } },
};
const hiddenIn = ({ steps }: ReturnType<typeof drive>): readonly (readonly string[] | undefined)[] =>
  steps.flatMap((step) => (step.type === "exchange" ? [step.exchange.hidden?.map(({ field }) => field)] : []));

test.each(["Body", "Summary", "None"])("with record: %s, since the status has more of an answer than that", (record) => {
  const spec = { ...written, record };
  expect(hiddenIn(drive(resource(spec), [answer(201), values("7")]))).toEqual([["spec.inputs.last"]]);
  expect(hiddenIn(drive(created(spec), [answer(200), same]))).toEqual([["spec.inputs.first", "spec.inputs.last"]]);
});

test("what another request sends as its body, or a part of it, is a Secret, too", () => {
  const { update: _, ...spec } = written;
  const multipart = [
    { name: "file", ...from("part") },
    { name: "note", value: "of no Secret" },
  ];
  const bodies = {
    ...spec,
    inputs: {},
    create: { ...user.create, body: from("body") },
    delete: { ...user.delete, body: { multipart } },
  };
  const inPart = "spec.delete.body.multipart[0].secretKeyRef";
  expect(hiddenIn(drive(resource(bodies), [answer(201), values("7")]))).toEqual([[inPart]]);
  expect(hiddenIn(drive(created(bodies), [answer(200)]))).toEqual([["spec.create.body.secretKeyRef", inPart]]);
});

test("no Secret is read for a look of which nothing is shown", () => {
  const { create, delete: remove, inputs } = written;
  const unnamed = {
    observe: { url: `${url}/ada` },
    create: { ...create, url: `${url}/ada` },
    delete: { ...remove, url },
    inputs,
  };
  const read = ["spec.inputs.first", "spec.inputs.last"];
  expect(hiddenIn(drive(resource(unnamed), [answer(200)]))).toEqual([undefined]);
  expect(hiddenIn(drive(resource({ ...unnamed, record: "Body" }), [answer(200)]))).toEqual([read]);
  expect(hiddenIn(drive(resource({ ...unnamed, values: { id: ".response.body.id" } }), [answer(200), same]))).toEqual([read]);
});

test("what an update sent as its body is looked for in what is told of its work, too", () => {
  const spec = { ...user, update: { ...user.update, body: from("body"), poll: {} } };
  const before = created().status;
  const began = { id: "a", digest: "d", tries: 1, startedAt: now.toISOString() };
  const attempt = { ...began, verb: "Update", phase: "Polling" } as const;
  const status = { ...before, attempt, poll: { url: "/jobs/1", from: "Location", startedAt: now.toISOString() } as const };
  const polling = drive(resource(spec, { status, finalizers: held }), [answer(202), values(false, false)]);
  expect(polling.sent).toEqual(["GET /jobs/1"]);
  expect(hiddenIn(polling)).toEqual([["spec.update.body.secretKeyRef"]]);
});

test("nothing is hidden where each request sends all", () => {
  const spec = {
    ...written,
    inputs: { open: { value: "of no Secret" } },
    create: user.create,
    delete: user.delete,
  };
  const [step] = drive(created(spec), [answer(200), same]).steps;
  expect(step).toMatchObject({ type: "exchange" });
  expect(step).not.toHaveProperty("exchange.hidden");
});
