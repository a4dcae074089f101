/** A create that is sent again after a try which may have arrived, and is refused. */
import { describe, expect, test } from "@jest/globals";
import { answer, drive, failure, hour, resource, user } from "../support/resource-plan.ts";

describe("a create without a key that is sent again all the same", () => {
  const written = { ...user, onUnknown: "Resend" };
  test.each([409, 422])("has failed once it is refused by %d, and is made anew at the next interval", (code) => {
    const first = drive(resource(written), [failure(true)]);
    const second = drive(resource(written, { status: first.status }), [answer(code)], hour);
    expect([second.state, second.status.attempt]).toMatchObject([
      "False/UnexpectedStatus Reconciling",
      { phase: "Done", succeeded: false, tries: 2 },
    ]);
    expect(second.verdict.result).toBe("failed");
  });
});
