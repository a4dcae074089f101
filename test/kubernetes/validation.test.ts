/**
 * The standalone validator against the real one: whatever spec they are given, they agree on whether it is right, and
 * on what it is once it has its defaults.
 */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { definitions } from "../../src/api/definitions.ts";
import { apiVersion } from "../../src/api/kind-definition.ts";
import { validator } from "../../src/api/validate.ts";
import { resembling } from "../support/resembling.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** What is right by itself: most of what is drawn at random lacks it, and is refused for that alone. */
const enough: Readonly<Record<string, object>> = {
  HTTPRequest: { url: "http://h/" },
  HTTPResource: { observe: { url: "http://h/" } },
};
const completed = ({ spec, enough }: { spec: unknown; enough: object | undefined }): unknown => ({
  ...(spec as object),
  ...enough,
});

describeWithControlPlane("the API server and the validator", (plane) => {
  const cases = definitions.filter(({ scope }) => scope === "Namespaced");
  test.each(cases)("agree on specs of $kind", async ({ kind, plural, spec: schema }) => {
    const validate = validator({ type: "object", properties: { spec: schema }, required: ["spec"] });
    const path = `/apis/${apiVersion}/namespaces/default/${plural}?dryRun=All&fieldValidation=Strict`;
    const any = fc.oneof(resembling(schema), resembling(schema, fc.jsonValue({ depthSize: "small" })));
    const specs = fc.oneof(any, fc.record({ spec: resembling(schema), enough: fc.constant(enough[kind]) }).map(completed));
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const { status, body } = await plane.admin("POST", path, { apiVersion, kind, metadata: { name: "a" }, spec });
        const { value, problems } = validate({ spec });
        const says = problems.map(({ path, message }) => `${path}: ${message}`);
        expect({ accepts: problems.length === 0, says, body }).toMatchObject({ accepts: status === 201 });
        if (status !== 201) return;
        accepted++;
        expect(JSON.parse(JSON.stringify(value))).toEqual({ spec: (body as { spec: unknown }).spec });
      }),
      { numRuns: 400, seed: 1 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
