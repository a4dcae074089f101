/** An object without an id whose URL is made of parameters: that it is elsewhere from now on is told. */
import { expect, test } from "@jest/globals";
import { deriveTransitionEvent } from "../../src/core/transition-event.ts";
import { answer, drive, hour, resource, same, url, values } from "../support/resource-plan.ts";

const at = `${url}/\${ .parameters.name }`;
const written = (name: string, more: object = {}) => ({
  parameters: { name, age: 36 },
  observe: { url: at },
  create: { url: at, method: "PUT", body: { json: { age: 36 } } },
  update: { url: at, body: { json: { age: 36 } } },
  ...more,
});
const made = drive(resource(written("ada")), [values("ada", "ada"), answer(404), answer(201)]);

test("a digest of it is recorded with the object, and not before", () => {
  expect(made.status.address).toMatch(/^[0-9a-f]{16}$/);
  const refused = drive(resource(written("ada")), [values("ada", "ada"), answer(404), answer(400)]);
  expect(refused.status).not.toHaveProperty("address");
});

test("an edit that leads elsewhere is told, and any other is not", () => {
  const edited = (spec: object, name: string, answers: Parameters<typeof drive>[1] = []) =>
    drive(resource(spec, { status: made.status, generation: 2 }), [values(name, name), ...(answers ?? [])], hour);
  const moved = edited(written("eve"), "eve", [answer(404), answer(201)]);
  expect(deriveTransitionEvent(made.status, moved.status)).toMatchObject({ reason: "Moved" });
  const stays = edited(written("ada", { interval: "1h" }), "ada", [answer(200), same]);
  expect(stays.status.address).toBe(made.status.address);
});

test("nothing is asked while the spec is as it was, and nothing of an object that has an id, or of a URL that reads a Secret", () => {
  const again = drive(resource(written("ada"), { status: { ...made.status, seen: true } }), [answer(200), same], hour);
  expect(again.steps).toHaveLength(2);
  const secret = { token: { secretKeyRef: { name: "s", key: "k" } } };
  const hidden = `${url}/\${ .inputs.token + .parameters.name }`;
  const observe = { observe: { url: hidden }, update: undefined, create: { url, body: { json: {} } } };
  const { update: _, ...withSecret } = { ...written("ada"), ...observe, inputs: secret };
  expect(drive(resource(withSecret), [answer(404), answer(201)]).status).not.toHaveProperty("address");
});
