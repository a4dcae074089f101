/** Compositions by patch-and-transform: what a composite patches comes to stand where its value went. */
import { expect, test } from "@jest/globals";
import { convertComposition, type ConvertedComposition } from "../../src/convert/composition.ts";
import { translate } from "../../src/convert/translate.ts";
import { openTranslator, peerDisposable, peerRequest } from "../support/peer-objects.ts";

const { evaluator } = openTranslator();

interface Made {
  readonly resource: {
    readonly base: { readonly kind: string; readonly metadata: object; readonly spec: Readonly<Record<string, unknown>> };
    readonly patches?: readonly object[];
    readonly readinessChecks?: readonly object[];
  };
  readonly said: readonly string[];
}
async function convert(composition: Readonly<Record<string, unknown>>): Promise<ConvertedComposition> {
  const options = { evaluator, signal: new AbortController().signal, namespace: "here", form: "readable" } as const;
  return convertComposition(composition, (object) => translate(object, options));
}
async function composed(base: unknown, patches: readonly object[], more: object = {}): Promise<Made> {
  const spec = { resources: [{ name: "it", base, patches, ...more }] };
  const { composition, told } = await convert({ kind: "Composition", spec });
  const { resources } = composition["spec"] as { readonly resources: readonly Made["resource"][] };
  if (!resources[0]) throw new Error("no resource");
  return {
    resource: resources[0],
    said: told.flatMap(({ findings }) => findings.map(({ level, field }) => `${level} ${field}`)),
  };
}

const crud = [
  {
    action: "CREATE",
    url: ".payload.baseUrl",
    body: "{name: .payload.body.name, size: .payload.body.size, tags: .payload.body.tags}",
  },
  { action: "OBSERVE", url: '.payload.baseUrl + "/" + .response.body.id' },
  { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body.id' },
];
const body = (fmt: string, ...paths: string[]): object => ({
  type: "CombineFromComposite",
  combine: { variables: paths.map((fromFieldPath) => ({ fromFieldPath })), strategy: "string", string: { fmt } },
  toFieldPath: "spec.forProvider.payload.body",
});

test("a body that was put together as text becomes values, each by itself and of its own type", async () => {
  const { resource, said } = await composed(
    peerRequest({ payload: { baseUrl: "http://o.example/things", body: "{}" }, mappings: crud }),
    [body('{"name":"team %s 100%%","size":%d,"tags":%s}', "spec.parameters.teamName", "spec.size", "spec.tags")],
  );
  expect(said.filter((one) => one.startsWith("HARD"))).toEqual([]);
  expect(resource.base.spec["create"]).toEqual({
    url: "http://o.example/things",
    body: {
      json: {
        name: "team ${ .parameters.teamName } 100%",
        size: "${ .parameters.size }",
        tags: "${ .parameters.tags | fromjson }",
      },
    },
  });
  expect(resource.patches).toEqual([
    { type: "FromCompositeFieldPath", fromFieldPath: "spec.parameters.teamName", toFieldPath: "spec.parameters.teamName" },
    { type: "FromCompositeFieldPath", fromFieldPath: "spec.size", toFieldPath: "spec.parameters.size" },
    { type: "FromCompositeFieldPath", fromFieldPath: "spec.tags", toFieldPath: "spec.parameters.tags" },
  ]);
});

test("a base without metadata, of a composite's own namespace, gets none", async () => {
  const { metadata: _, ...base } = peerRequest({ payload: { baseUrl: "http://o.example" }, mappings: crud }) as {
    readonly metadata: object;
  };
  const { resource, said } = await composed(base, []);
  expect(said.filter((one) => one.startsWith("HARD"))).toEqual([]);
  expect(resource.base).toMatchObject({ kind: "HTTPResource", metadata: {} });
  expect(Object.keys(resource.base.metadata)).toEqual([]);
  const ofCluster = await composed({ ...base, apiVersion: "http.crossplane.io/v1alpha2" }, []);
  expect(ofCluster.resource.base.metadata).toEqual({ namespace: "here" });
});

test("a base URL goes into each request's, with the transforms that it had", async () => {
  const transforms = [{ type: "string", string: { type: "Format", fmt: "https://%s.example/v1" } }];
  const { resource } = await composed(
    peerRequest({ payload: { baseUrl: "http://default.example", body: '{"name":"a"}' }, mappings: crud }),
    [{ fromFieldPath: "spec.region", toFieldPath: "spec.forProvider.payload.baseUrl", transforms }],
  );
  expect(resource.base.spec).toMatchObject({
    parameters: { region: "http://default.example" },
    create: { url: '${ "\\(.parameters.region)" }' },
    observe: { url: '${ "\\(.parameters.region)/\\(.externalID)" }' },
  });
  expect(resource.patches).toEqual([
    { type: "FromCompositeFieldPath", fromFieldPath: "spec.region", transforms, toFieldPath: "spec.parameters.region" },
  ]);
});

test("what a claim says is never an expression", async () => {
  const { resource } = await composed(peerDisposable({ method: "POST", body: "x", headers: { "X-Who": ["me"] } }), [
    { fromFieldPath: "spec.who", toFieldPath: "spec.forProvider.headers.X-Who[0]" },
    { fromFieldPath: "spec.text", toFieldPath: "spec.forProvider.body" },
    { fromFieldPath: "spec.url", toFieldPath: "spec.forProvider.url" },
    { fromFieldPath: "spec.verb", toFieldPath: "spec.forProvider.method" },
    { fromFieldPath: "spec.claimRef.name", toFieldPath: "metadata.labels[for]" },
  ]);
  expect(resource.base.spec).toMatchObject({
    url: '${ "\\(.inputs.url)" }',
    headers: [{ name: "X-Who", value: "${ .inputs.who }" }],
    body: { text: "${ .inputs.text }" },
    inputs: { who: { value: "me" }, text: { value: "x" }, url: { value: "http://origin.example/do" } },
  });
  expect(resource.patches).toEqual([
    { fromFieldPath: "spec.verb", toFieldPath: "spec.method" },
    { fromFieldPath: "spec.claimRef.name", toFieldPath: "metadata.labels[for]" },
    ...["url", "who", "text"].map((name) => ({
      type: "FromCompositeFieldPath",
      fromFieldPath: `spec.${name}`,
      toFieldPath: `spec.inputs.${name}.value`,
    })),
  ]);
});

test("a Secret that a claim names is the input's", async () => {
  const { resource, said } = await composed(
    peerRequest({ payload: { baseUrl: "http://o.example" }, mappings: crud.slice(0, 2), headers: { Authorization: ["x"] } }),
    [
      {
        type: "CombineFromComposite",
        combine: {
          variables: [{ fromFieldPath: "spec.secret.name" }, { fromFieldPath: "spec.secret.namespace" }],
          strategy: "string",
          string: { fmt: "Bearer {{ %s:%s:token }}" },
        },
        toFieldPath: "spec.forProvider.headers.Authorization[0]",
      },
    ],
  );
  expect(resource.base.spec["inputs"]).toEqual({ name_token: { secretKeyRef: { name: "patched", key: "token" } } });
  expect(resource.base.spec["observe"]).toMatchObject({
    headers: [{ name: "Authorization", value: "Bearer ${ .inputs.name_token }" }],
  });
  expect(resource.patches).toEqual([
    {
      type: "FromCompositeFieldPath",
      fromFieldPath: "spec.secret.name",
      toFieldPath: "spec.inputs.name_token.secretKeyRef.name",
    },
  ]);
  expect(said).toContain("STEP Secret");
});

test("a value that a check compares with stays text of the check", async () => {
  const logic = ".response.body.name == .payload.body.name and .response.body.kind == .payload.body.kind";
  const base = peerRequest({
    payload: { baseUrl: "http://o.example", body: "{}" },
    mappings: crud,
    expectedResponseCheck: { type: "CUSTOM", logic },
  });
  const { resource } = await composed(base, [body('{"name":"%s","kind":"k %s"}', "spec.name", "spec.kind")]);
  expect(resource.base.spec["upToDate"]).toContain(".payload.body.name");
  expect(resource.patches).toContainEqual({
    type: "FromCompositeFieldPath",
    fromFieldPath: "spec.name",
    toFieldPath: "spec.parameters.payload.body.name",
  });
});

test("what a composite takes of an answer is recorded, and what there is not is told", async () => {
  const patches = [
    { type: "ToCompositeFieldPath", fromFieldPath: "status.response.body", toFieldPath: "status.answer" },
    { type: "ToCompositeFieldPath", fromFieldPath: "status.requestDetails.url", toFieldPath: "status.url" },
    { type: "PatchSet", patchSetName: "none" },
    { fromFieldPath: "spec.config", toFieldPath: "spec.providerConfigRef.name" },
  ];
  const readinessChecks = [{ type: "MatchString", fieldPath: "status.error", matchString: "" }, { type: "None" }];
  const { resource, said } = await composed(peerDisposable({}), patches, { readinessChecks });
  expect(resource.base.spec["record"]).toBe("Body");
  expect(resource.patches).toEqual([patches[0]]);
  expect(resource.readinessChecks).toEqual([{ type: "None" }]);
  expect(said).toEqual(
    expect.arrayContaining([
      "CHANGE status.response.body",
      "HARD status.requestDetails.url",
      "HARD spec.providerConfigRef.name",
      "DROP readinessChecks",
    ]),
  );
});

test("pipelines are converted where they patch, and told where they write text", async () => {
  const resources = [
    { name: "a", base: peerDisposable({}) },
    { name: "b", base: { apiVersion: "v1", kind: "ConfigMap" } },
  ];
  const pipeline = [
    { step: "patch", input: { apiVersion: "pt.fn.crossplane.io/v1beta1", kind: "Resources", resources } },
    {
      step: "write",
      input: {
        apiVersion: "gotemplating.fn.crossplane.io/v1beta1",
        kind: "GoTemplate",
        inline: { template: "apiVersion: http.crossplane.io/v1alpha2" },
      },
    },
  ];
  const { composition, told } = await convert({ kind: "Composition", spec: { pipeline } });
  expect(composition).toMatchObject({
    spec: { pipeline: [{ input: { resources: [{ base: { kind: "HTTPRequest" } }, resources[1]] } }, pipeline[1]] },
  });
  expect(told.map(({ name, findings }) => `${name} ${findings.some(({ level }) => level === "HARD")}`)).toEqual([
    "a false",
    "write true",
  ]);
});
