/** Which Secrets an HTTPResource's requests do not send, and keep out of what is shown of their answers. */
import { expect, test } from "@jest/globals";
import { answer, created, drive, resource, same, user, values } from "../support/resource-plan.ts";

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
