/** An id that is kept in the annotation as well, where the operator wants that. */
import { expect, test } from "@jest/globals";
import { answer, created, drive, held, hour, resource, same, user, values } from "../support/resource-plan.ts";

const name = "holdfast.dev/external-id";
const mirrorsIDs = true;
const looked = (status: object | undefined, annotations: Record<string, string> = {}, at = hour) =>
  drive(resource(user, { status: status ?? {}, annotations, finalizers: held }), [answer(200), same], { ...at, mirrorsIDs });

test("is written with the look that has seen it, and counts as known by then", () => {
  const { verdict, status } = looked(created().status);
  expect(verdict.annotation).toEqual({ name, value: "7" });
  expect(status.lastHandledExternalID).toBe("7");
  const again = looked(status, { [name]: "7" });
  expect([again.status, again.verdict.annotation]).toEqual([status, { name, value: "7" }]);
  expect(
    drive(resource(user, { status: created().status, finalizers: held }), [answer(200), same], hour).verdict,
  ).not.toHaveProperty("annotation");
});

test("is not while nobody has seen the object, while it may be another, or where it could not be read back", () => {
  const made = drive(resource(user), [answer(201), values("7")], { mirrorsIDs });
  expect(made.verdict).not.toHaveProperty("annotation");
  const spaced = { ...created().status, externalID: " 7" };
  expect(looked(spaced).verdict).not.toHaveProperty("annotation");
});

test("another one that a person writes is taken over, and what is lost with the status is found by it", () => {
  const { status } = looked(created().status);
  const imported = looked(status, { [name]: "8" });
  expect([imported.status.externalID, imported.verdict.annotation]).toEqual(["8", { name, value: "8" }]);
  const wiped = looked({}, { [name]: "7" });
  expect([wiped.sent, wiped.status.externalID]).toEqual([["GET users/${ .externalID }"], "7"]);
});
