/** The store as shadows see it: how Secrets of their answers are written, and what is shown of those. */
import { expect, test } from "@jest/globals";
import type { Answered, OutputObject, Owner } from "../../src/core/output.ts";
import type { ResourceStore } from "../../src/core/ports.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType } from "../../src/core/resource.ts";
import { createShown } from "../../src/core/shown.ts";
import { shadowTypes } from "../../src/serve/kinds.ts";
import { createRegistry } from "../../src/serve/registry.ts";
import { createServedStore } from "../../src/serve/served-store.ts";
import { servedAsAnnotation, standsForLabel } from "../../src/serve/shadow.ts";
import { createShownAnswers } from "../../src/serve/shown-answers.ts";

const type = shadowTypes.HTTPResource;
const key = { namespace: "here", name: "one" };
const metadata = { ...key, uid: "u1", generation: 1, resourceVersion: "1" };
const labels = { [standsForLabel]: "u0" };
const shadow: Owner = { type, metadata: { ...metadata, labels, annotations: { [servedAsAnnotation]: "requests/here/one" } } };
const object: OutputObject = {
  field: "spec.outputs[0].secret",
  type: secretType,
  name: "alias",
  labels: { a: "1" },
  annotations: {},
};
const data = { k: "a secret text", "holdfast-made.labels.state": '["sent"]' };
const place = { namespace: "vault", name: "s", keys: ["k"], lost: [] };

function served() {
  const written: unknown[] = [];
  const news: string[] = [];
  const registry = createRegistry(() => true);
  const answers = createShownAnswers((servedAs) => news.push(servedAs));
  const injections = {
    check: () => Promise.resolve(undefined),
    async write(to: OutputObject, injected: object, made: ReturnType<typeof redact<object>>) {
      written.push([to.labels, injected, made.open()]);
      return { type: "written" } as const;
    },
  };
  const store = createServedStore({} as ResourceStore, registry, { injections, answers });
  registry.open(type.kind, key, { uid: "u1", mayEnd: false, reads: new Map(), writes: new Map([["alias", place]]) });
  return { store, answers, registry, written, news };
}
function answered(body: string, durationMs = 1): Answered {
  const response = { statusCode: 200, headers: {}, body: redact(body), sizeBytes: 1, sha256: "", durationMs };
  const shown = createShown({ headers: {}, body }, () => ({ kept: ["sent with it"], derived: [] }));
  const output = {
    object,
    data: Object.keys(data).map((name) => ({ name, field: "", text: ".response.body.k" })),
    whenMissing: "Keep",
  };
  return { response: { ...response, shown }, outputs: [output as Answered["outputs"][number]], values: [redact(data)] };
}

test("what jq made for labels goes there, and into no key", async () => {
  const { store, written } = served();
  await store.writeOutput(shadow, object, redact(data), new AbortController().signal);
  expect(written).toEqual([[{ a: "1", state: "sent" }, place, { k: "a secret text" }]]);
});

test("an answer is shown with placeholders, and without what went out; the object is due where that is news", () => {
  const { store, answers, news } = served();
  const body = '{"k":"a secret text","echo":"sent with it","n":1}';
  store.answered?.(shadow, answered(body));
  const shown = { statusCode: 200, body: '{"k":"{{s:vault:k}}","echo":"***","n":1}' };
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })).toMatchObject(shown);
  store.answered?.(shadow, answered(body, 2));
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })).toMatchObject({ ...shown, durationMs: 2 });
  expect(news).toEqual(["requests/here/one"]);
  store.answered?.(shadow, answered('{"k":"with a secret text in it"}'));
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })?.body).toBeUndefined();
  expect(news).toHaveLength(2);
});

test("what cannot be shown, for whatever reason, holds up nothing", () => {
  const { store, answers } = served();
  const { response, ...made } = answered('{"k":"a secret text"}');
  const broken = {
    toJSON: (): "***" => "***",
    open(): string {
      throw new Error("a mistake of ours");
    },
  } as const;
  store.answered?.(shadow, { ...made, response: { ...response, body: broken } });
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })).toMatchObject({ statusCode: 200, body: undefined });
});

test("nothing is shown of another's answer, nor after it is gone", () => {
  const { store, answers, registry } = served();
  const other = { metadata: { ...shadow.metadata, uid: "u2" }, spec: {} };
  store.answered?.({ type, metadata: other.metadata }, answered("a"));
  expect(answers.find(type.kind, other)).toBeUndefined();
  store.answered?.(shadow, answered("{}"));
  expect(answers.find(type.kind, other)).toBeUndefined();
  answers.forget(type.kind, key);
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })).toBeUndefined();
  registry.closeAll();
  store.answered?.(shadow, answered("{}"));
  expect(answers.find(type.kind, { metadata: shadow.metadata, spec: {} })).toBeUndefined();
});
