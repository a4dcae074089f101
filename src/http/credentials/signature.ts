/**
 * A signature as it is added to a request, at the moment at which that leaves.
 *
 * Invariant: it is over the bytes that are sent, and of this try: the id is the attempt's, the time is now.
 */
import { createHmac } from "node:crypto";
import { parseTemplate, type Part } from "../../core/templating.ts";
import type { SignSources } from "../../core/sign.ts";
import type { SignSettings } from "../resolve/sign.ts";
import type { Described } from "../render/describe.ts";
import type { WireRequest } from "../wire-request.ts";
import { withHeader, type Credential } from "./credential.ts";

/** Those of the latest tries are known as secrets: a signature is good for minutes. */
const mostKept = 32;

/** `id`: of the attempt that it is sent for. */
export function createSigner({ format, keys, secrets }: SignSettings, id: string): Credential {
  const made: string[] = [];
  return {
    secrets: () => [...secrets, ...made],
    added(request, now) {
      const millis = now.getTime();
      const common = { id, timestamp: String(Math.floor(millis / 1_000)), timestampMillis: String(millis) };
      const signatures = keys.map((key) => signatureOf({ key, format, request, common }));
      made.push(...signatures);
      if (made.length > mostKept) made.splice(0, made.length - mostKept);
      const known = { ...common, signature: signatures.join(format.between ?? "") };
      return format.headers.reduce(
        (signed, { name, value }) => withHeader(signed, name.toLowerCase(), fillIn(value, known).join("")),
        request,
      );
    },
  };
}

interface Signed {
  readonly key: Uint8Array;
  readonly format: SignSettings["format"];
  readonly request: WireRequest;
  readonly common: Readonly<Record<string, string>>;
}
function signatureOf({ key, format, request, common }: Signed): string {
  const { method, origin, path, body = "" } = request;
  const hmac = createHmac(format.algorithm, key);
  for (const part of fillIn(format.content, { ...common, method, host: new URL(origin).host, path, body })) hmac.update(part);
  return hmac.digest(format.encoding === "Hex" ? "hex" : "base64");
}

/** The template's parts with what stands in its places; the schema allows no others. */
function fillIn<T extends string | Uint8Array>(text: string, values: Readonly<Record<string, T>>): (T | string)[] {
  const template = parseTemplate(text);
  const parts: readonly Part[] = template.type === "template" ? template.parts : [{ type: "text", text }];
  return parts.map((part) => (part.type === "text" ? part.text : (values[part.text.trim().slice(1)] ?? "")));
}

/** All of them, one after the other: each sees what those before it have added. One of them at most can be had anew. */
export function inOrder(all: readonly (Credential | undefined)[]): Credential | undefined {
  return all.filter((one) => one !== undefined).reduce<Credential | undefined>(both, undefined);
}
function both(first: Credential | undefined, second: Credential): Credential {
  if (!first) return second;
  return {
    ...first,
    ...second,
    secrets: () => [...first.secrets(), ...second.secrets()],
    added: (request, now) => second.added(first.added(request, now), now),
  };
}

/** What would be sent, with three asterisks where the signature goes. `id`: what stands for the attempt's. */
export function maskSignature(sign: SignSources | undefined, request: Described, id: string): Described {
  if (!sign) return request;
  const masked = { id, signature: "***", timestamp: "***", timestampMillis: "***" };
  const added = sign.format.headers.map(({ name, value }) => ({ name, value: fillIn(value, masked).join("") }));
  const names = new Set(added.map(({ name }) => name.toLowerCase()));
  return { ...request, headers: [...request.headers.filter(({ name }) => !names.has(name.toLowerCase())), ...added] };
}
