/** Which Secrets an HTTPResource's requests do not send, and keep out of what is shown of their answers. */
import { expect, test } from "@jest/globals";
import { answer, created, drive, resource, same, user, values } from "../support/resource-plan.ts";

const from = (key: string): object => ({ secretKeyRef: { name: "it", key } });
const written = {
  ...user,
  create: { ...user.create, headers: [{ name: "X-First", value: "${ .inputs.first }" }] },
  delete: { ...user.delete, headers: [{ name: "X-Last", value: "${ .inputs.last }" }] },
  inputs: { first: from("first"), last: from("last"), open: { value: "of no Secret" } },
};

test.each([
  ["Body", ["last"], ["first", "last"]],
  ["Summary", undefined, undefined],
  ["None", undefined, undefined],
])("with record: %s", (record, ofCreate, ofObserve) => {
  const hiddenIn = ({ steps }: ReturnType<typeof drive>): readonly (readonly string[] | undefined)[] =>
    steps.flatMap((step) => (step.type === "exchange" ? [step.exchange.hidden && Object.keys(step.exchange.hidden)] : []));
  const spec = { ...written, record };
  expect(hiddenIn(drive(resource(spec), [answer(201), values("7")]))).toEqual([ofCreate]);
  expect(hiddenIn(drive(created(spec), [answer(200), same]))).toEqual([ofObserve]);
});

test("nothing is hidden where each request sends all", () => {
  const spec = {
    ...written,
    record: "Body",
    inputs: { open: { value: "of no Secret" } },
    create: user.create,
    delete: user.delete,
  };
  const [step] = drive(created(spec), [answer(200), same]).steps;
  expect(step).toMatchObject({ type: "exchange" });
  expect(step).not.toHaveProperty("exchange.hidden");
});
