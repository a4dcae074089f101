/** The shadows of all fixtures: each is made, exactly, and names every Secret by what the store of shadows knows. */
import { expect, test } from "@jest/globals";
import { httpRequest } from "../../src/api/http-request.ts";
import { httpResource } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import { configOf } from "../../src/convert/documents.ts";
import type { PeerConfig } from "../../src/convert/peer-object.ts";
import { isRecord } from "../../src/core/tools/json.ts";
import { managedTypes } from "../../src/serve/kinds.ts";
import { openShadow } from "../../src/serve/open-shadow.ts";
import { secretsOf } from "../../src/serve/reach.ts";
import { readServed, type ServedObject } from "../../src/serve/served-object.ts";
import { isCurrent, isHalfMade, makeShadow, shadowKey, type MadeShadow, type ServeSettings } from "../../src/serve/shadow.ts";
import { detailsOf } from "../../src/serve/details.ts";
import {
  openTranslator,
  peerDisposable,
  peerDocuments,
  peerFiles,
  peerObject,
  peerRequest,
  peerText,
} from "../support/peer-objects.ts";

const { evaluator } = openTranslator(20_000);
const settings: ServeSettings = { namespace: "cluster-things", secretNamespaces: ["*"], version: "1" };
const { signal } = new AbortController();

const documents = peerFiles.flatMap((file) => peerDocuments(peerText(file)));
const configs = documents.map(peerObject).filter((one): one is PeerConfig => one.type === "config");

function served(value: unknown): ServedObject {
  if (!isRecord(value) || !isRecord(value["metadata"])) throw new Error("no object");
  const { apiVersion, kind, metadata, spec, status } = value;
  const [group] = String(apiVersion).split("/");
  const type = managedTypes.find((one) => one.group === group && one.kind === kind);
  if (!type) throw new Error(`${String(apiVersion)} ${String(kind)} is not served`);
  const {
    name,
    namespace = "",
    annotations,
  } = metadata as { readonly name: string; readonly namespace?: string } & {
    readonly annotations?: Readonly<Record<string, string>>;
  };
  const read = readServed(type, {
    metadata: { namespace, name, uid: "u0", generation: 1, resourceVersion: "1", ...(annotations && { annotations }) },
    spec,
    ...(isRecord(status) && { status }),
  });
  if (read.type === "invalid") throw new Error(read.message);
  return read.object;
}
const make = (object: ServedObject, more: Partial<ServeSettings> = {}): Promise<MadeShadow> =>
  makeShadow(object, configOf(object.peer, configs), { ...settings, ...more }, { evaluator, signal });

/** Names of Secrets, wherever they stand in a spec. */
function secretNames(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(secretNames);
  if (!isRecord(value)) return [];
  const { secretKeyRef: reference, secret, ...rest } = value;
  const own = [reference, secret].flatMap((one) => (isRecord(one) ? [String(one["name"])] : []));
  return [...own, ...Object.values(rest).flatMap(secretNames)];
}

const managed = documents.filter((value) => peerObject(value).type !== "config").map(served);

test("there are 31 of them", () => {
  expect(managed).toHaveLength(31);
});

test.each(managed.map((object) => [`${object.type.group} ${object.resource.metadata.name}`, object] as const))(
  "%s becomes a shadow that says where each of its Secrets is",
  async (_, object) => {
    const made = await make(object);
    if (made.type === "refused") throw new Error(made.message);
    const { manifest } = made;
    const kind = manifest.kind === "HTTPResource" ? httpResource : httpRequest;
    expect(validator(kind.spec)(manifest.spec, ["spec"]).problems).toEqual([]);
    const key = shadowKey(object, settings);
    expect(manifest.metadata).toMatchObject({
      ...key,
      ownerReferences: [{ kind: object.type.kind, uid: "u0", controller: true }],
    });
    const config = configOf(object.peer, configs);
    const shadow = { metadata: { ...key, uid: "u1", generation: 1, resourceVersion: "1" }, spec: manifest.spec };
    const { reads, writes } = openShadow(object, shadow, config, false);
    const own = secretsOf(object.peer, config, key.namespace).filter(({ namespace }) => namespace === key.namespace);
    const known = new Set([...reads.keys(), ...writes.keys(), ...own.map(({ name }) => name)]);
    expect(secretNames(manifest.spec).filter((name) => !known.has(name))).toEqual([]);
    for (const { keys } of writes.values()) expect(keys.length).toBeGreaterThan(0);
    // It says nothing of places that only admins know.
    if (key.namespace !== "vault") expect(secretNames(manifest.spec).join()).not.toContain("vault");
  },
  60_000,
);

test("Secrets of other namespaces take a word of an admin's, and the refusal says which", async () => {
  const object = served(
    peerRequest({ mappings: [{ action: "OBSERVE", url: '"http://a.example"' }], headers: { A: ["{{ key:vault:key }}"] } }),
  );
  const refused = await make(object, { secretNamespaces: ["other"] });
  expect(refused).toMatchObject({ type: "refused", message: expect.stringContaining("--serve-secret-namespace vault") });
  expect(await make(object, { secretNamespaces: ["vault"] })).toMatchObject({ type: "shadow" });
});

test("what is paused, or on whose labels other tools look, leaves no trace on the shadow", async () => {
  const mappings = [{ action: "OBSERVE", url: '"http://a.example"' }];
  const metadata = {
    name: "one",
    namespace: "here",
    labels: { "app.kubernetes.io/instance": "an-app" },
    annotations: { "crossplane.io/paused": "true", "argocd.argoproj.io/tracking-id": "an-app", "holdfast.dev/external-id": "7" },
  };
  const made = await make(served(peerRequest({ mappings }, { metadata })));
  if (made.type === "refused") throw new Error(made.message);
  expect(Object.keys(made.manifest.metadata.labels ?? {})).toEqual(["holdfast.dev/stands-for"]);
  expect(Object.keys(made.manifest.metadata.annotations ?? {}).toSorted()).toEqual([
    "holdfast.dev/external-id",
    "holdfast.dev/made-of",
    "holdfast.dev/served-as",
  ]);
  expect(made.manifest.spec).not.toHaveProperty("suspend");
});

test("labels that are jq over the answer are further data, and what could be no label is none", async () => {
  const labels = {
    state: ".body.state",
    kept: "a-word",
    some: 'if .body.n > 1 then "many" else "one" end',
    "app.kubernetes.io/part-of": ".body.state",
    "no name": "a-word",
    spaced: "two words",
  };
  const config = { secretRef: { name: "s", namespace: "here" }, keyMappings: [{ secretKey: "k", responseJQ: ".body.k" }] };
  const secretInjectionConfigs = [{ ...config, metadata: { labels, annotations: { of: ".headers.Etag[0]" } } }];
  const made = await make(served(peerDisposable({ rollbackRetriesLimit: 1, secretInjectionConfigs })));
  if (made.type === "refused") throw new Error(made.message);
  const { outputs } = made.manifest.spec as { readonly outputs: readonly { readonly secret: object; readonly data: object }[] };
  expect(outputs).toHaveLength(1);
  expect(outputs[0]?.secret).toEqual({ name: "s", labels: { kept: "a-word" } });
  expect(Object.keys(outputs[0]?.data ?? {})).toEqual([
    "k",
    "holdfast-made.labels.state",
    "holdfast-made.labels.some",
    "holdfast-made.annotations.of",
  ]);
  const response = { body: { state: "posted", n: 2, k: "v" }, headers: { etag: "e1" }, statusCode: 200 };
  const programs = Object.values(outputs[0]?.data ?? {}).map(String);
  const json = ['"v"', '["posted"]', '["many"]', '["e1"]'];
  expect(await evaluator.evaluate(JSON.stringify({ response }), programs, signal)).toEqual({ type: "values", json });
});

test("a Request is looked at when that is asked for, and what is sent once is not sent again by it", async () => {
  const annotations = { "crossplane.io/reconcile-requested-at": "now" };
  const metadata = { name: "one", namespace: "here", annotations };
  const mappings = [{ action: "OBSERVE", url: '"http://a.example"' }];
  const of = async (value: unknown): Promise<unknown> => {
    const made = await make(served(value));
    return made.type === "shadow" && made.manifest.metadata.annotations?.["holdfast.dev/reconcile-at"];
  };
  expect(await of(peerRequest({ mappings }, { metadata }))).toBe("now");
  expect(await of(peerDisposable({ rollbackRetriesLimit: 1 }, { metadata }))).toBeUndefined();
});

test("a shadow that has acted knows what has been sent, but for what nobody knows", async () => {
  const of = async (limit: number, phase?: string): Promise<unknown> => {
    const status = {
      failed: 2,
      response: { statusCode: 500 },
      requestDetails: { method: "GET", url: "http://origin.example/do" },
    };
    const object = served(peerDisposable({ rollbackRetriesLimit: limit }, { status }));
    const acting = phase !== undefined && {
      isOurs: true,
      shadow: { ...object.resource, status: { attempt: { phase }, conditions: [{ type: "Succeeded", status: "False" }] } },
    };
    const made = await makeShadow(object, undefined, settings, { evaluator, signal, ...acting });
    if (made.type === "refused") throw new Error(made.message);
    const { annotations = {} } = made.manifest.metadata;
    return [
      made.manifest.spec["suspend"] === true,
      "holdfast.dev/assume-done" in annotations,
      "holdfast.dev/reconcile-at" in annotations,
    ];
  };
  expect(await of(3)).toEqual([true, false, false]);
  expect(await of(3, "Unknown")).toEqual([true, false, false]);
  expect(await of(3, "InFlight")).toEqual([true, false, false]);
  expect(await of(3, "Retrying")).toEqual([false, false, false]);
  expect(await of(3, "Done")).toEqual([false, false, true]);
  expect(await of(2)).toEqual([false, true, false]);
  expect(await of(2, "Done")).toEqual([false, false, false]);
});

test("what goes on after it was given up is tried as often as its limit leaves, whatever is written afterwards", async () => {
  const of = async (limit: number, failed: number, attempt: object, tried?: string): Promise<unknown> => {
    const object = served(peerDisposable({ rollbackRetriesLimit: limit }, { status: { failed } }));
    const { resource } = object;
    const annotations = tried === undefined ? {} : { "holdfast.dev/tried": tried };
    const status = { attempt, conditions: [{ type: "Succeeded", status: "False" }] };
    const shadow = { ...resource, metadata: { ...resource.metadata, annotations }, status };
    const made = await makeShadow(object, undefined, settings, { evaluator, signal, isOurs: true, shadow });
    if (made.type === "refused") throw new Error(made.message);
    const { metadata, spec } = made.manifest;
    const mark = metadata.annotations?.["holdfast.dev/tried"];
    return [
      (spec["retry"] as { readonly limit: number }).limit,
      mark,
      "holdfast.dev/reconcile-at" in (metadata.annotations ?? {}),
    ];
  };
  const given = { phase: "Done", id: "a", tries: 2 };
  expect(await of(3, 2, given)).toEqual([0, "a 2", true]);
  expect(await of(5, 2, given)).toEqual([2, "a 2", true]);
  // What is told of it is not as new as what it knows.
  expect(await of(3, 1, given)).toEqual([0, "a 2", true]);
  expect(await of(2, 1, given)).toEqual([1, undefined, false]);
  // Raised once more before the first of these has left, while they are tried, and after they were.
  expect(await of(5, 2, given, "a 2")).toEqual([2, "a 2", true]);
  expect(await of(5, 2, { phase: "Retrying", id: "b", tries: 1 }, "a 2")).toEqual([2, undefined, false]);
  expect(await of(5, 4, { phase: "Done", id: "b", tries: 2 }, "a 2")).toEqual([0, "b 4", true]);
});

test("a DisposableRequest that has been sent stays sent, whatever else is written, unless it goes on", () => {
  const shadow = { metadata: { namespace: "here", name: "one", uid: "u1", generation: 1, resourceVersion: "1" }, spec: {} };
  const of = (forProvider: object, status: object): boolean =>
    isCurrent(served(peerDisposable(forProvider, { status })), undefined, settings, shadow);
  expect(of({}, { synced: true })).toBe(true);
  expect(of({ shouldLoopInfinitely: true }, { synced: true })).toBe(false);
  expect(of({}, { synced: false })).toBe(false);
});

test("a creation whose outcome the provider did not record is known by its marks", () => {
  const [earlier, later] = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"];
  const of = (annotations: object): boolean =>
    isHalfMade(served(peerRequest({ mappings: [] }, { metadata: { name: "one", namespace: "here", annotations } })));
  expect(of({})).toBe(false);
  expect(of({ "crossplane.io/external-create-pending": later })).toBe(true);
  expect(of({ "crossplane.io/external-create-pending": earlier, "crossplane.io/external-create-succeeded": later })).toBe(false);
  expect(of({ "crossplane.io/external-create-pending": later, "crossplane.io/external-create-failed": earlier })).toBe(true);
});

test("what was sent is told with placeholders where Secrets were, by the object's own programs", async () => {
  const url = '.payload.baseUrl + "/" + (.response.body.id | tostring)';
  const object = served(
    peerRequest({
      payload: { baseUrl: "http://a.example/things", body: '{"word": "{{ key:here:word }}"}' },
      headers: { Authorization: ["Bearer {{ key:here:token }}"], "X-Date": ["2022-11-28"], "X-Made": ["(.payload.body.word)"] },
      mappings: [
        { action: "CREATE", url: ".payload.baseUrl", body: "{ word: .payload.body.word }" },
        { action: "OBSERVE", url },
        { method: "PUT", url, body: "{ id: .response.body.id }", headers: {} },
      ],
    }),
  );
  const answer = { statusCode: 200, body: '{"id": 41}' };
  const headers = {
    Authorization: ["Bearer {{ key:here:token }}"],
    "X-Date": ["2022-11-28"],
    "X-Made": ["{{ key:here:word }}"],
  };
  expect(await detailsOf(object, "CREATE", undefined, { evaluator, signal })).toEqual({
    method: "POST",
    url: "http://a.example/things",
    body: '{"word":"{{ key:here:word }}"}',
    headers,
  });
  expect(await detailsOf(object, "OBSERVE", answer, { evaluator, signal })).toEqual({
    method: "GET",
    url: "http://a.example/things/41",
    headers,
  });
  expect(await detailsOf(object, "UPDATE", answer, { evaluator, signal })).toEqual({
    method: "PUT",
    url: "http://a.example/things/41",
    body: '{"id":41}',
    headers: {},
  });
  expect(await detailsOf(object, "REMOVE", answer, { evaluator, signal })).toBeUndefined();
});
