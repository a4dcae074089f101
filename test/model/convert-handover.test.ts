/** The script of a hand-over, as text: whom it takes over, and what it checks. */
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { joinEndpoints } from "../../src/convert/endpoints.ts";
import { handoverScript } from "../../src/convert/handover.ts";
import type { PeerConfig } from "../../src/convert/peer-object.ts";
import { openTranslator, peerConfig, peerDisposable, peerObject, peerRequest } from "../support/peer-objects.ts";

const { translated } = openTranslator();

const payload = { baseUrl: "http://origin.example/things", body: "{}" };
const url = '.payload.baseUrl + "/" + .response.body.id';
const byID = [
  { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
  { action: "OBSERVE", url },
];
const byURL = [byID[0], { action: "OBSERVE", url: ".payload.baseUrl" }];
const searched = [
  byID[0],
  { action: "OBSERVE", url: '.payload.baseUrl + "?a=b"' },
  { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body[0].id' },
];
const onlySeen = [byID[1]];
const request = (mappings: readonly unknown[], status?: object, metadata: object = {}): unknown =>
  peerRequest({ payload, mappings }, { metadata: { name: "one", namespace: "here", ...metadata }, ...(status && { status }) });
const made = { response: { statusCode: 200, body: '{"id":"7"}' }, requestDetails: { method: "GET", url: "" } };
const failed = { response: { statusCode: 500, body: "" }, requestDetails: { method: "POST", url: "" } };

async function scriptOf(value: unknown, config?: PeerConfig): Promise<string> {
  const object = peerObject(value);
  const translation = await translated(value, config ? { config, endpoints: true } : {});
  const { translations, endpoints } = joinEndpoints([translation]);
  const manifest = translations[0]?.manifest;
  if (object.type === "config" || !manifest) throw new Error("nothing came of it");
  return handoverScript({ handed: [{ object, manifest }], endpoints, copies: [], textOf: (one) => stringify(one) });
}

test.each<[string, unknown, boolean]>([
  ["a Request whose status has its id", request(byID, made), true],
  ["one that is not created yet", request(byID), false],
  ["one whose creation failed", request(byID, failed), false],
  ["one whose answer has no id", request(byID, { response: { statusCode: 200, body: "{}" } }), false],
  ["one that is known by its URL, and was sent", request(byURL, made), true],
  ["one that is known by its URL, and was not", request(byURL), false],
  ["one that is known by its URL, and whose creation failed", request(byURL, failed), false],
  ["one that is searched for", request(searched, made), false],
  ["one that is never created", request(onlySeen, made), true],
  ["one that its owner has paused", request(byID, made, { annotations: { "crossplane.io/paused": "true" } }), true],
  ["one that a Composition makes", request(byID, made, { labels: { "crossplane.io/composite": "x" } }), false],
  ["one that is being deleted", request(byID, made, { deletionTimestamp: "2026-01-01T00:00:00Z" }), false],
  ["a DisposableRequest that is done", peerDisposable({ method: "POST" }, { status: { synced: true } }), true],
  ["one that was never sent", peerDisposable({ method: "POST" }), false],
  ["one with what is refused", peerDisposable({ method: "POST", body: "a\u009Fb" }, { status: { synced: true } }), false],
  ["one with what is not", peerDisposable({ method: "POST", body: "a\u0085\u2028\u0007b" }, { status: { synced: true } }), true],
  [
    "one that is still being tried",
    peerDisposable({ method: "POST" }, { status: { failed: 1, response: { statusCode: 500 } } }),
    false,
  ],
])("%s", async (_, value, isTaken) => {
  const script = await scriptOf(value);
  expect(/^kubectl apply /m.test(script)).toBe(isTaken);
  expect(/^change '.*"crossplane\.io\/paused":"true"/m.test(script)).toBe(isTaken);
  expect(/^remove --wait=false /m.test(script)).toBe(isTaken);
  expect(/^# left out: /m.test(script)).toBe(!isTaken);
  expect(/^echo 'left out: /m.test(script)).toBe(!isTaken);
});

test("the old one goes only where the new one is", async () => {
  const script = await scriptOf(request(byID, made));
  const finish = script.slice(script.indexOf("step_finish()"), script.indexOf("step_undo()"));
  expect(finish.split("\n").slice(1, 6)).toEqual([
    "these 'one'",
    "all_there -n 'here' httpresources.holdfast.dev",
    "these 'one'",
    "at_rest -n 'here' requests.http.m.crossplane.io",
    "remove --wait=false -n 'here' requests.http.m.crossplane.io",
  ]);
});

test("a policy opens what the endpoint of its own namespace asks, at its port", async () => {
  const config = peerConfig({ name: "cred", namespace: "here" });
  const one = (namespace: string, host: string): unknown =>
    peerDisposable({ url: `http://${host}:8080/do` }, { metadata: { name: "one", namespace }, status: { synced: true } });
  const values = [one("here", "10.0.0.1"), one("there", "10.0.0.2")];
  const each = await Promise.all(
    values.map((value) => {
      const { metadata } = value as { readonly metadata: { readonly namespace: string } };
      const own = { ...config, metadata: { name: "it", namespace: metadata.namespace } };
      return translated(value, { config: own, endpoints: true });
    }),
  );
  const { translations, endpoints } = joinEndpoints(each);
  const handed = translations.flatMap(({ manifest }, index) => {
    const object = peerObject(values[index]);
    return manifest && object.type !== "config" ? [{ object, manifest }] : [];
  });
  const script = handoverScript({ handed, endpoints, copies: [], textOf: (value) => JSON.stringify(value) });
  for (const [namespace, host] of [
    ["here", "10.0.0.1"],
    ["there", "10.0.0.2"],
  ])
    expect(script).toContain(
      `{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"${namespace}"}},"allow":[{"cidrs":["${host}"],"ports":[8080]}]}`,
    );
});
