/** Hosts that are closed until an EgressPolicy opens them, as far as a name or an address says so by itself. */
import { apiVersion } from "../api/kind-definition.ts";
import { isRecord } from "../core/tools/json.ts";
import { addressBytes, classOf, views } from "../core/tools/address.ts";
import { portNumber, withoutBrackets } from "../core/tools/host.ts";
import type { Manifest, Translation } from "./translation.ts";

type PrivateHost =
  | { readonly type: "service"; readonly host: string; readonly port: number; readonly namespace: string; readonly name: string }
  | { readonly type: "address"; readonly host: string; readonly port: number }
  /** A name without a namespace: whoever asks for it finds it in a namespace of their own. */
  | { readonly type: "short"; readonly host: string };

/** Those that a translated object asks. */
export function privateHosts({ manifest, endpoint }: Pick<Translation, "manifest" | "endpoint">): readonly PrivateHost[] {
  const found = [...(manifest ? urlsIn(manifest) : []), ...(endpoint ? [endpoint.origin] : [])].flatMap((text) =>
    [...text.matchAll(/https?:\/\/[^/"\\$?#\s]{1,260}(?=[/"?#\s]|$)/gi)].flatMap(([origin]) => privateHost(origin)),
  );
  return uniqueHosts(found);
}
/** Each host and port once. */
export function uniqueHosts(hosts: readonly PrivateHost[]): readonly PrivateHost[] {
  return [...new Map(hosts.map((one) => [JSON.stringify(one), one])).values()];
}

function urlsIn({ spec }: Manifest): readonly string[] {
  const requests = [spec, ...["lookup", "observe", "create", "update", "delete"].map((verb) => spec[verb])].filter(isRecord);
  const polls = requests.map(({ poll }) => poll).filter(isRecord);
  const { parameters } = spec;
  const payload = isRecord(parameters) ? parameters["payload"] : undefined;
  return [
    ...requests.map(({ url }) => url),
    ...polls.map(({ url }) => url),
    isRecord(payload) ? payload["baseUrl"] : undefined,
  ].filter((text) => typeof text === "string");
}

function privateHost(origin: string): readonly PrivateHost[] {
  const url = URL.parse(origin);
  if (!url) return [];
  const [host, port] = [withoutBrackets(url.hostname), portNumber(url)];
  const [, name, namespace] = /^([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc(\.[a-z0-9.-]{1,200})?$/.exec(host) ?? [];
  if (name !== undefined && namespace !== undefined) return [{ type: "service", host, port, namespace, name }];
  const bytes = addressBytes(host);
  if (!bytes && /^[a-z0-9-]{1,63}$/.test(host) && host !== "localhost") return [{ type: "short", host }];
  return bytes && views(bytes).some((view) => classOf(view) === "private") ? [{ type: "address", host, port }] : [];
}

/** What opens them for the namespace. */
export function egressPolicy(namespace: string, hosts: readonly PrivateHost[]): object {
  const closed = hosts.filter((one) => one.type !== "short");
  const allow = [...Map.groupBy(closed, ({ port }) => port)].flatMap(([port, same]) => {
    const services = same.flatMap((one) => (one.type === "service" ? [{ namespace: one.namespace, name: one.name }] : []));
    const cidrs = same.flatMap((one) => (one.type === "address" ? [one.host] : []));
    return [
      ...(services.length > 0 ? [{ services, ports: [port] }] : []),
      ...(cidrs.length > 0 ? [{ cidrs, ports: [port] }] : []),
    ];
  });
  const spec = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    allow,
  };
  return { apiVersion, kind: "EgressPolicy", metadata: { name: `provider-http-${namespace}` }, spec };
}
