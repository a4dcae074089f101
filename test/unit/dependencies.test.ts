/** What an HTTPRequest waits for, and what it takes from others, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { Condition } from "../../src/core/conditions.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { Resource } from "../../src/core/resource.ts";
import { ownField } from "../../src/kinds/request/dependencies.ts";
import { sendDigest } from "../../src/kinds/request/request.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";
import { answer, condition, driveIn, httpRequest, type Answer } from "../support/request-plan.ts";
import { drive as driveResource, resource } from "../support/resource-plan.ts";

const metadata = { namespace: "n", generation: 1, resourceVersion: "1" };

function request(spec: Partial<HTTPRequestSpec>, status?: HTTPRequestStatus): HTTPRequest {
  const of = { ...metadata, name: "a", uid: "uid-a", labels: { team: "blue" }, annotations: { "example.com/x": "y" } };
  return httpRequest({ url: "https://example.com/", method: "GET", ...spec }, { ...of, ...(status && { status }) });
}
function other(name: string, { ready, observed = 1 }: { ready: "True" | "False"; observed?: number }): Resource {
  const condition = { type: "Ready", status: ready, reason: "R", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
  return {
    metadata: { ...metadata, name, uid: `uid-${name}` },
    spec: {},
    status: { observedGeneration: observed, conditions: [condition], response: { statusCode: 201 } },
  };
}
const answered = answer(200);

function drive(
  resource: HTTPRequest,
  references: readonly (Resource | undefined)[],
  answers: readonly Answer[] = [],
  cycle?: readonly string[],
) {
  const driven = driveIn({ resource, references, ...(cycle && { cycle }) }, answers);
  return { ...driven, reason: "", message: "", ...condition(driven.status, "Ready") };
}
const onB = { dependsOn: [{ kind: "HTTPRequest", name: "b" }] } as const;

describe("dependsOn", () => {
  test.each<[string, Resource | undefined, string]>([
    ["is not there", undefined, 'spec.dependsOn[0]: there is no HTTPRequest "b" in this namespace'],
    ["is not Ready", other("b", { ready: "False" }), 'spec.dependsOn[0]: HTTPRequest "b" is not Ready'],
    [
      "was Ready for an older spec",
      other("b", { ready: "True", observed: 0 }),
      'spec.dependsOn[0]: HTTPRequest "b" is not Ready',
    ],
  ])("nothing is sent while the other %s", (_what, object, says) => {
    const { steps, verdict, reason, message } = drive(request(onB), [object]);
    expect(steps).toEqual([]);
    expect({ reason, message, result: verdict.result }).toEqual({
      reason: "DependencyNotReady",
      message: says,
      result: "waiting",
    });
    expect(verdict.requeueAfterMs).toBeGreaterThanOrEqual(1_500);
    const again = drive(request(onB, verdict.status), [object]);
    expect(sameJSON(again.verdict.status, verdict.status)).toBe(true);
  });
  test("what cannot be seen for its labels is told apart from what is not there", () => {
    const { status } = driveIn({ resource: request(onB), references: [undefined], seesOnly: "shard=blue" }, []);
    expect(condition(status, "Ready")).toMatchObject({
      reason: "DependencyNotReady",
      message: expect.stringContaining("with the labels shard=blue, and no other is seen by this Holdfast"),
    });
  });
  const byEndpoint = { path: "/a", endpointRef: { kind: "HTTPEndpoint", name: "b" } } as const;
  const shard = { references: [undefined], seesOnly: "shard=blue" };
  function sent(more: object): readonly Condition[] | undefined {
    const { url: _, ...spec } = request({ ...byEndpoint, ...more }).spec;
    return driveIn({ resource: { ...request({}), spec }, ...shard }, []).status.conditions;
  }
  function kept(): readonly Condition[] | undefined {
    const { endpointRef, ...path } = byEndpoint;
    return driveResource(resource({ endpointRef, observe: path, create: path }), [], shard).status.conditions;
  }
  test.each<[string, () => readonly Condition[] | undefined]>([
    ["an HTTPRequest", () => sent({})],
    ["an HTTPRequest with items", () => sent({ forEach: { items: [1] } })],
    ["an HTTPResource", kept],
  ])("an endpoint of %s that cannot be seen for its labels is told apart, too", (_what, look) => {
    expect(look()?.find(({ type }) => type === "Ready")).toMatchObject({
      reason: "EndpointNotFound",
      message: expect.stringMatching(/HTTPEndpoint "b" in this namespace with the labels shard=blue, and no other is seen/),
    });
  });
  test("is sent once it is Ready; then the other may do as it likes", () => {
    const sent = drive(request(onB), [other("b", { ready: "True" })], [answered]);
    expect(sent.reason).toBe("Succeeded");
    const later = drive(request(onB, sent.verdict.status), [other("b", { ready: "False" })]);
    expect([later.steps, later.reason]).toEqual([[], "Succeeded"]);
  });
  test("with `that`, only that counts", () => {
    const spec = { dependsOn: [{ kind: "HTTPRequest", name: "b", that: ".status.response.statusCode == 201" }] } as const;
    const object = other("b", { ready: "False" });
    const held = drive(request(spec), [object], [{ type: "values", values: [true] }, answered]);
    expect(held.steps[0]).toEqual({
      type: "evaluate",
      evaluation: { object, expressions: [{ field: "spec.dependsOn[0].that", text: ".status.response.statusCode == 201" }] },
    });
    expect(held.reason).toBe("Succeeded");
    for (const value of [false, null, "true", 1]) {
      const { reason, message } = drive(request(spec), [object], [{ type: "values", values: [value] }]);
      expect([reason, message]).toEqual(["DependencyNotReady", 'spec.dependsOn[0].that does not hold for HTTPRequest "b" yet']);
    }
  });
  test("a circle is stalled, and names its way", () => {
    const cycle = ["HTTPRequest/a", "HTTPRequest/b", "HTTPRequest/a"];
    const { steps, verdict, reason, message } = drive(request(onB), [undefined], [], cycle);
    expect([steps, verdict.result, reason]).toEqual([[], "stalled", "DependencyCycle"]);
    expect(message).toContain("HTTPRequest/a -> HTTPRequest/b -> HTTPRequest/a");
  });
  test("is no part of what is sent, so a change of it sends nothing", () => {
    expect(sendDigest(request(onB).spec)).toBe(sendDigest(request({}).spec));
  });
});

describe("inputs from objects", () => {
  const spec = {
    endpointRef: { kind: "HTTPEndpoint", name: "e" },
    inputs: {
      code: { objectRef: { kind: "HTTPRequest", name: "b", expression: ".status.response.statusCode" } },
      same: { objectRef: { kind: "HTTPRequest", name: "b", expression: ".metadata.name" } },
    },
  } as const;
  const endpoint: Resource = { metadata: { ...metadata, name: "e", uid: "e" }, spec: { baseURL: "https://example.com" } };

  test("are taken in one evaluation an object, once that is Ready", () => {
    const { steps } = drive(
      request(spec),
      [endpoint, other("b", { ready: "True" })],
      [{ type: "values", values: [201, "b"] }, answered],
    );
    expect(steps).toHaveLength(2);
    expect(steps[1]).toMatchObject({
      exchange: { scope: { inputs: { code: { type: "literal", value: 201 }, same: { type: "literal", value: "b" } } } },
    });
    expect(drive(request(spec), [endpoint, other("b", { ready: "False" })])).toMatchObject({ reason: "DependencyNotReady" });
  });
  test("that yield null are waited for: nothing is sent with an empty value", () => {
    const { reason, message } = drive(
      request(spec),
      [endpoint, other("b", { ready: "True" })],
      [{ type: "values", values: [null, "b"] }],
    );
    expect([reason, message]).toEqual(["DependencyNotReady", 'spec.inputs.code: the expression yields null for HTTPRequest "b"']);
  });
});

describe("fieldRef", () => {
  const own = request({}).metadata;
  test.each([
    ["metadata.name", "a"],
    ["metadata.namespace", "n"],
    ["metadata.uid", "uid-a"],
    ["metadata.labels['team']", "blue"],
    ["metadata.annotations['example.com/x']", "y"],
    ["metadata.labels['other']", undefined],
    ["metadata.labels['constructor']", undefined],
  ])("%s", (fieldPath, value) => {
    expect(ownField({ fieldPath }, own)).toBe(value);
  });
  test("a label that is not there is waited for, and named", () => {
    const spec = { inputs: { team: { fieldRef: { fieldPath: "metadata.labels['other']" } } } };
    expect(drive(request(spec), [])).toMatchObject({
      steps: [],
      reason: "KeyNotFound",
      message: "spec.inputs.team: the object has no metadata.labels['other']",
    });
  });
});
