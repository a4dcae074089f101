/** Looks that are answered as the ones before, and whatever is different, with HTTPResource's plan and scripted answers. */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { held } from "../support/reaches.ts";
import { after, answer, created, differs, drive, failure, hour, same, user, values } from "../support/resource-plan.ts";

const found = (sha256 = "ab", headers: Record<string, string> = {}, statusCode = 200): Outcome => {
  const outcome = answer(statusCode, headers);
  return outcome.type === "response" ? { ...outcome, response: { ...outcome.response, sha256 } } : outcome;
};
/** Looked at once, and as declared. */
function seen(written: object = user, rest: Parameters<typeof created>[1] = {}, options: Parameters<typeof drive>[2] = {}) {
  const object = created(written, rest);
  const once = drive(object, [found(), same], options);
  expect(once.verdict.status).toBe(object.status);
  return { object, once };
}

describe("an object as it was, answered as before,", () => {
  test("ends as before, without an expression being evaluated, and is due at its own time", () => {
    const { object, once } = seen();
    for (const seconds of [0, 1, 60, 86_400]) {
      const again = drive(object, [found()], after(seconds * 1_000));
      expect({ ...again.verdict, requeueAfterMs: 0 }).toEqual({ ...once.verdict, requeueAfterMs: 0 });
      expect(again.verdict.status).toBe(object.status);
      expect(again.verdict.requeueAfterMs).toBe(drive(created(), [found(), same], after(seconds * 1_000)).verdict.requeueAfterMs);
      expect(again.sent).toEqual(once.sent);
    }
  });
  test.each<[string, Outcome]>([
    ["content", found("cd")],
    ["status", found("ab", {}, 203)],
    ["content-type", found("ab", { "content-type": "text/html" })],
    ["content-range", found("ab", { "content-range": "items 0-1/2" })],
    ["link", found("ab", { link: '</2>; rel="next"' })],
  ])("but for its %s, is looked at anew, of the answer that has come", (_what, other) => {
    const { object, once } = seen();
    const driven = drive(object, [other, differs(".age"), answer(200)], after(1_000));
    expect(driven.sent).toEqual([...once.sent, "PUT users/${ .externalID }"]);
    expect(driven.steps[1]).toMatchObject({ evaluation: { response: other.type === "response" && other.response } });
  });
  test("is so again after it was otherwise once", () => {
    const { object } = seen();
    for (const [sha256, ...looked] of [["cd", same], ["cd"], ["ab", same], ["ab"]] as const)
      expect(drive(object, [found(sha256), ...looked]).verdict.status).toBe(object.status);
  });
  test("is so again after whatever came in between, of which nothing was written", () => {
    const { object, once } = seen();
    expect(drive(object, [answer(503)]).state).toBe("Unknown/UnexpectedStatus Reconciling");
    expect(drive(object, [failure(true)]).state).toContain("Unknown");
    expect(drive(object, [answer(404), answer(201), values("8")], hour).state).toBe("True/Created");
    expect(drive(object, [found()]).verdict).toEqual(once.verdict);
  });
  test("is not asked for a digest any more when eight in a row were different", () => {
    const { object } = seen();
    for (const sha256 of ["1", "2", "3", "4", "5", "6", "7", "8"]) drive(object, [found(sha256), same]);
    drive(object, [found("8"), same]);
    const another = answer(200);
    if (another.type !== "response") throw new Error("it is a response");
    const { sha256: _, ...response } = another.response;
    const unread = { type: "response", response } as unknown as Outcome;
    Object.defineProperty(response, "sha256", { get: () => expect("a digest").toBe("not asked for") });
    expect(drive(object, [unread, same]).verdict.status).toBe(object.status);
  });
});

describe("nothing is taken from before", () => {
  test.each<[string, Parameters<typeof drive>[2]]>([
    ["where what it refers to has changed", { references: [created()] }],
    ["where there is a circle by now", { cycle: ["HTTPResource/a", "HTTPResource/a"] }],
  ])("%s", (_what, options) => {
    const { object } = seen();
    const { verdict } = drive(object, options?.cycle ? [] : [found(), same], options);
    expect(verdict.status === object.status).toBe(options?.cycle === undefined);
  });
  test("of another object, such as the next generation of it", () => {
    const { object } = seen();
    const next = { ...object, metadata: { ...object.metadata, generation: 2 } };
    expect(drive(next, [found(), same]).verdict.status).not.toBe(object.status);
  });
  test.each<[string, object, number?]>([
    ["a header field of the answer", { exists: '.response.headers["x-state"] == "there"' }],
    ["all of the answer", { exists: '.response | has("body")' }],
    ["everything", { exists: "length > 0" }],
    ["the time", { exists: '.now > "2026"' }],
    ["jq's own clock", { exists: "now > 0" }],
    ["an input", { inputs: { a: { value: "b" } }, exists: ".inputs.a == .response.body.a" }],
    ["the time, in what is compared", { update: { ...user.update, body: { json: { at: "${ .now }" } } } }],
    ["the time, in its own URL", { observe: { url: `${user.create.url}/\${ .externalID }?at=\${ .now }` } }],
    ["nothing, and a status shows the body, of which a secret hides a part", { record: "Body" }],
    ["facts, which a secret can hide", { values: { age: ".response.body.age" } }],
  ])("where its expressions read %s", (_what, more) => {
    const object = created({ ...user, ...more });
    const count =
      "exists" in more
        ? [values(true), same]
        : [{ ...same, ...("values" in more && { published: [{ type: "value", value: 36 }] }) } as typeof same];
    for (let looks = 0; looks < 3; looks += 1) expect(drive(object, [found(), ...count]).steps).toHaveLength(1 + count.length);
  });
});

test("nothing of what another object was is held by one that has looked at it", () => {
  const object = created();
  const other = created();
  for (const asked of [[same], []]) drive(object, [found(), ...asked], { references: [other] });
  expect([held(object).has(object.spec), held(object).has(other), held(object).has(other.spec)]).toEqual([true, false, false]);
});
test("nothing is held of a look that will not be used", () => {
  const { object } = seen();
  const answers = () => [...held(object)].filter((one) => typeof one === "string" && one.startsWith("200\n"));
  expect(answers()).toHaveLength(1);
  for (const sha256 of ["1", "2", "3", "4", "5", "6", "7", "8"]) drive(object, [found(sha256), same]);
  expect(answers()).toEqual([]);
});
