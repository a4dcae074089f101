/** Objects as they were for provider-http: the fixtures, in every shape that its own examples have, and smaller ones. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { readPeerObject, type PeerConfig, type PeerDisposable, type PeerRequest } from "../../src/convert/peer-object.ts";
import { translate } from "../../src/convert/translate.ts";
import type { TranslateOptions, Translation } from "../../src/convert/translation.ts";
import { isRecord } from "../../src/core/tools/json.ts";
import type { Evaluator } from "../../src/core/ports.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { readYAML } from "../../src/standalone/yaml.ts";

export const peerFiles = ["cluster.yaml", "namespaced.yaml", "composition.yaml", "tls.yaml"] as const;

/** `origin`: scheme, host and port of plain HTTP; `tlsOrigin`: of HTTPS. */
export function peerText(file: string, origin = "http://origin.example", tlsOrigin = "https://origin.example"): string {
  const text = readFileSync(join(import.meta.dirname, "provider-http", file), "utf8");
  return text.replaceAll("TLSORIGIN", tlsOrigin).replaceAll("ORIGIN", origin);
}

/** Every object, those in a Composition too. */
export function peerDocuments(text: string): readonly unknown[] {
  const { documents, errors } = readYAML(text);
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return documents.flatMap(({ value }) => {
    const spec = isRecord(value) && value["kind"] === "Composition" ? value["spec"] : undefined;
    const resources = isRecord(spec) ? spec["resources"] : undefined;
    return Array.isArray(resources) ? resources.map((one: unknown) => (isRecord(one) ? one["base"] : one)) : [value];
  });
}

export function peerObject(value: unknown): PeerRequest | PeerDisposable | PeerConfig {
  const read = readPeerObject(value);
  if (read.type !== "object") throw new Error(`no object of the peer: ${JSON.stringify(read)}`);
  return read.object;
}

/** A Request with these fields of `forProvider`, beside a payload and an OBSERVE that needs no id. */
export function peerRequest(forProvider: object, rest: object = {}): unknown {
  return {
    apiVersion: "http.m.crossplane.io/v1alpha2",
    kind: "Request",
    metadata: { name: "one", namespace: "here" },
    spec: { forProvider: { payload: { baseUrl: "http://origin.example/things" }, ...forProvider } },
    ...rest,
  };
}
/** A config of the namespace `here` whose credential is the key `token` of a Secret. */
export function peerConfig(secret: { readonly name: string; readonly namespace: string }, more: object = {}): PeerConfig {
  return peerObject({
    apiVersion: "http.m.crossplane.io/v1alpha2",
    kind: "ProviderConfig",
    metadata: { name: "it", namespace: "here" },
    spec: { credentials: { source: "Secret", secretRef: { ...secret, key: "token" } } },
    ...more,
  }) as PeerConfig;
}
export function peerDisposable(forProvider: object, rest: object = {}): unknown {
  return {
    apiVersion: "http.m.crossplane.io/v1alpha2",
    kind: "DisposableRequest",
    metadata: { name: "one", namespace: "here" },
    spec: { forProvider: { url: "http://origin.example/do", method: "GET", ...forProvider } },
    ...rest,
  };
}

/** What tests of one file translate with, until they have ended. `deadlineMs`: of one program. */
export function openTranslator(deadlineMs = 10_000): { readonly evaluator: Evaluator; readonly translated: TranslateObject } {
  const evaluator = createEvaluator({ deadlineMs });
  afterAll(async () => evaluator[Symbol.asyncDispose]());
  return { evaluator, translated: translator(evaluator) };
}

export type TranslateObject = (value: unknown, options?: Partial<TranslateOptions>) => Promise<Translation>;
export function translator(evaluator: Evaluator): TranslateObject {
  return (value, options = {}) => {
    const object = peerObject(value);
    if (object.type === "config") throw new Error("a config is no object to be translated");
    return translate(object, {
      evaluator,
      signal: new AbortController().signal,
      namespace: "default",
      form: "readable",
      ...options,
    });
  };
}
