/**
 * An endpoint in place of a ProviderConfig's credential and TLS: where all that an object sends goes to one server, whose name is
 * written out.
 *
 * Invariant: what is sent is the same. Whatever an endpoint would refuse or change keeps its own URL.
 */
import { isRecord } from "../core/tools/json.ts";
import type { Connection } from "./connection.ts";
import type { PeerConfig } from "./peer-object.ts";
import type { Manifest, EndpointNeed } from "./translation.ts";

type Fields = Readonly<Record<string, unknown>>;

const verbs = ["lookup", "observe", "create", "update", "delete"];

interface WithEndpoint {
  readonly manifest: Manifest;
  readonly endpoint: EndpointNeed;
}

/** Undefined: it is no object for an endpoint. `connection` is the config's alone. */
export function withEndpoint(
  manifest: Manifest,
  config: PeerConfig,
  { credential, tls, secrets }: Connection,
): WithEndpoint | undefined {
  const { tls: _, inputs, ...spec } = manifest.spec;
  const requests = requestsIn(manifest.kind, spec);
  const origins = new Set(requests.map(([, request]) => splitURL(request["url"])?.origin));
  const [origin] = origins;
  if (origins.size !== 1 || origin === undefined || !(credential ?? tls)) return undefined;
  if (requests.some(([, request]) => request["poll"] !== undefined)) return undefined; // which goes where an answer says
  const changed = requests.map(([verb, request]) => [verb, atPath(request)] as const);
  const headers = new Set(changed.flatMap(([, request]) => headersIn(request).map(({ name }) => name.toLowerCase())));
  const others = manifest.kind === "HTTPRequest" ? (changed[0]?.[1] ?? {}) : { ...spec, ...Object.fromEntries(changed) };
  return {
    manifest: {
      ...manifest,
      spec: { endpointRef: { name: config.metadata.name ?? "" }, ...others, ...stillRead(inputs, others) },
    },
    endpoint: {
      config,
      origin,
      namespace: manifest.metadata.namespace,
      headers: [...headers],
      ...(credential && { credential }),
      ...(tls && origin.startsWith("https:") && { tls }),
      secrets: [...(credential ? [credential] : []), ...secrets],
    },
  };
}

function requestsIn(kind: Manifest["kind"], spec: Fields): readonly (readonly [string, Fields])[] {
  if (kind === "HTTPRequest") return [["", spec]];
  return verbs.flatMap((verb) => (isRecord(spec[verb]) ? [[verb, spec[verb]] as const] : []));
}

interface Split {
  readonly origin: string;
  readonly path: string;
}
/** Undefined where a server is not written out, or an endpoint's path could not be this one. */
function splitURL(url: unknown): Split | undefined {
  const [, origin, path = ""] = typeof url === "string" ? (/^(https?:\/\/[^/?#@\s\\${}%]{1,260})(\/.*)?$/i.exec(url) ?? []) : [];
  if (origin === undefined || /[?#\\\s]|\/\/|\/\.{1,2}(\/|$)|%(2e|2f|5c)/i.test(path.replaceAll(/\$\{[^{}]*\}/g, "-")))
    return undefined;
  return { origin: origin.toLowerCase(), path };
}

interface Header {
  readonly name: string;
  readonly value: string;
}
function headersIn({ headers = [] }: Fields): readonly Header[] {
  return headers as readonly Header[];
}

function atPath(request: Fields): Fields {
  const path = splitURL(request["url"])?.path ?? "";
  // The credential's is the only one: an object that says itself who asks has no endpoint.
  const headers = headersIn(request).filter(({ name }) => name.toLowerCase() !== "authorization");
  const changed = Object.entries({ ...request, headers }).filter(
    ([name]) => name !== "url" && (name !== "headers" || headers.length > 0),
  );
  return { ...(path !== "" && { path }), ...Object.fromEntries(changed) };
}

/** The inputs without those that nothing else speaks of. */
function stillRead(inputs: unknown, others: Fields): Fields {
  const text = JSON.stringify(others);
  const read = Object.entries(isRecord(inputs) ? inputs : {}).filter(
    ([name]) =>
      text.includes(`.inputs.${name}`) || text.includes(`inputs[\\"${name}\\"]`) || text.includes(`inputs[\\\\\\"${name}`),
  );
  return read.length > 0 ? { inputs: Object.fromEntries(read) } : {};
}
