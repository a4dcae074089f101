/** Ids are kept in the status, where people can read them: what an expression makes of a Secret's value is none. */
import { expect, test } from "@jest/globals";
import { answer, drive, resource, user, values } from "../support/resource-plan.ts";

const inputs = {
  token: { secretKeyRef: { name: "hook", key: "token" } },
  org: { value: "acme" },
};
const created = (externalID: string, id: string) =>
  drive(resource({ ...user, inputs, externalID }), [answer(201), values(id)]).status.externalID;

test.each([
  ["a part of it", ".response.body.id + .inputs.token[0:9]", "abcdefghi"],
  ["the whole of the inputs", ".response.body.id + (.inputs | tojson | .[12:30])", "abcdefghijkl"],
  ["more than it", '"\\(.inputs.token)/\\(.response.body.id)"', "short/71"],
  ["it, by a name of its own", ". as $all | .response.body.id + ($all.inputs.token | ascii_upcase)", "ABCDEFGHI"],
])("%s is no id", (_what, externalID, id) => {
  expect(created(externalID, id)).toBeUndefined();
});

test.each([
  ["an answer's own", ".response.body.id", "abcdefghi"],
  ["with an input that is no secret", '"\\(.inputs.org)/\\(.response.body.id)"', "acme/1234"],
  ["one of less than eight characters", ".response.body.id + .inputs.token[0:3]", "abc"],
  ["one of an expression of which nobody can tell", "[.][0].response.body.id", "abcdefghi"],
])("%s is one", (_what, externalID, id) => {
  expect(created(externalID, id)).toBe(id);
});
