/** An object without an id whose URL is made of parameters: that it is elsewhere from now on is told. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { deriveTransitionEvent } from "../../src/core/transition-event.ts";
import { answer, drive, failure, hour, resource, same, twoHours, url, values } from "../support/resource-plan.ts";

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

describe("a PUT that may have made an object, of which nobody knows the answer", () => {
  const byURL = (name: string) => written(name);
  const byID = (name: string) => ({
    ...written(name),
    externalID: ".parameters.name",
    observe: { url: `${url}/\${ .externalID }` },
    create: { url: `${url}/\${ .externalID }`, method: "PUT", body: { json: { age: 36 } } },
    update: { url: `${url}/\${ .externalID }`, body: { json: { age: 36 } } },
  });
  const declared: readonly [string, (name: string) => object, (name: string) => EvaluationResult, EvaluationResult[]][] = [
    ["by its URL", byURL, (name: string) => values(name, name), []],
    ["by an id that is declared", byID, (name: string) => values(name), [values("ada")]],
  ];
  /** What is left where the process is killed while `step` is on its way. */
  function killedIn({ steps }: ReturnType<typeof drive>): HTTPResourceStatus {
    const sent = steps.findLast((step) => step.type === "exchange");
    return sent?.beforeSend.type === "recordIntent" ? sent.beforeSend.status : {};
  }

  test.each(declared)("is told of where the place is another by the next start, known %s", (_by, spec, placed, known) => {
    const status = killedIn(drive(resource(spec("ada")), [placed("ada"), answer(404), answer(201)]));
    const moved = drive(resource(spec("eve"), { status, generation: 2 }), [placed("eve"), answer(404), answer(201)], hour);
    expect(moved.state).toBe("True/Created");
    expect(deriveTransitionEvent(status, moved.status)).toMatchObject({ reason: "Moved" });
    const stays = drive(resource(spec("ada"), { status }), [...known, answer(200), same], hour);
    expect(deriveTransitionEvent(status, stays.status)).toBeUndefined();
  });
  test.each(declared)("or by its next try, known %s", (_by, spec, placed, known) => {
    const tried = drive(resource(spec("ada")), [placed("ada"), answer(404), failure(true)]);
    const looked = drive(resource(spec("ada"), { status: tried.status }), [...known, answer(503)], hour);
    const { status } = looked;
    const moved = drive(resource(spec("eve"), { status, generation: 2 }), [placed("eve"), answer(404), answer(201)], twoHours);
    expect(deriveTransitionEvent(status, moved.status)).toMatchObject({ reason: "Moved" });
  });
  test.each(declared)("and is not where it cannot have arrived, known %s", (_by, spec, placed) => {
    const { status } = drive(resource(spec("ada")), [placed("ada"), answer(404), failure(false)]);
    const moved = drive(resource(spec("eve"), { status, generation: 2 }), [placed("eve"), answer(404), answer(201)], hour);
    expect(moved.state).toBe("True/Created");
    expect(deriveTransitionEvent(status, moved.status)).not.toMatchObject({ reason: "Moved" });
  });
});
