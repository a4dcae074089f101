/**
 * A program for a network namespace in which every closed address is one of its own: sends to each in every way there is, and
 * prints what came of it, and what the servers there saw. Nobody has opened anything.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, type Socket } from "node:net";
import { network } from "../../src/core/tools/address.ts";
import type { EgressRules } from "../../src/core/egress.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { createEgress } from "../../src/http/connect/egress.ts";
import { closedForms, privateForms, publicForms, type AddressForm } from "./address-forms.ts";
import { dnsServer, type Records } from "./dns-server.ts";
import { exchange, literal, testRequester, type TestRequesterOptions } from "./loopback-requester.ts";

const publicAddress = "93.184.216.34";
const forms = { ...closedForms, ...privateForms, ...publicForms };

/** Connections, by the address that they came to. */
const accepted: string[] = [];
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
  if (pathname === "/to")
    response.writeHead(302, { location: searchParams.get("url")?.replaceAll(/[^ -~]/g, encodeURIComponent) });
  if (pathname === "/close") response.setHeader("connection", "close");
  response.end(`seen at ${request.socket.localAddress}`);
});
server.keepAliveTimeout = 60_000;
server.on("connection", (socket: Socket) => accepted.push(socket.localAddress ?? ""));
await once(server.listen(0, "::"), "listening");
const { port } = server.address() as AddressInfo;

/** What a proxy was asked for. It resolves names itself, as proxies do. */
const asked: string[] = [];
const proxy = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.end("by proxy");
});
proxy.on("connect", (request, client: Socket) => {
  asked.push(request.url ?? "");
  client.end("HTTP/1.1 502 No\r\n\r\n");
});
await once(proxy.listen(0, publicAddress), "listening");
const proxyURL = `http://${publicAddress}:${(proxy.address() as AddressInfo).port}`;

const names = new Map<string, (nth: number) => Records>();
await using dns = await dnsServer((name, nth) => names.get(name)?.(nth));
const slug = (label: string): string => label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
for (const [label, { address }] of Object.entries(forms)) {
  if (address === undefined) continue;
  names.set(`${slug(label)}.test`, () => ({ addresses: [address] }));
  names.set(`alias.${slug(label)}.test`, () => ({ addresses: [address], cname: `${slug(label)}.test` }));
  names.set(`both.${slug(label)}.test`, () => ({ addresses: [publicAddress, "2606:4700::1", address] }));
  names.set(`rebound.${slug(label)}.test`, (nth) => ({ addresses: [nth === 1 ? publicAddress : address] }));
}

const told = (outcome: Outcome): string =>
  outcome.type === "response"
    ? String(outcome.response.statusCode)
    : outcome.type === "refusal"
      ? `refused ${outcome.reason}`
      : outcome.reason;

interface Seen {
  readonly outcome: string;
  readonly message: string;
  readonly connections: readonly string[];
  readonly asked: readonly string[];
}
async function sent(options: TestRequesterOptions, url: string, changes: object = {}): Promise<Seen> {
  await using http = testRequester({ opened: [], ...options });
  const before = [accepted.length, asked.length] as const;
  const outcome = await http.send(exchange({ url, timeoutMs: 10_000, ...changes }));
  return {
    outcome: told(outcome),
    message: outcome.type === "response" ? "" : outcome.message,
    connections: accepted.slice(before[0]),
    asked: asked.slice(before[1]),
  };
}

type Column = Readonly<Record<string, Seen>>;
async function column(choose: (form: AddressForm, name: string) => Promise<Seen> | undefined): Promise<Column> {
  const seen: Record<string, Seen> = {};
  for (const [label, form] of Object.entries(forms)) {
    const one = await choose(form, `${slug(label)}.test`);
    if (one) seen[label] = one;
  }
  return seen;
}

const hasName = ({ address }: AddressForm): boolean => address !== undefined;
const anywhere = ["0.0.0.0/0", "::/0"];
const matrix: Record<string, Column> = {
  "in the URL": await column((form) => sent({}, `http://${form.literal}:${port}/`)),
  "in the URL, were it open": await column((form) => sent({ opened: anywhere }, `http://${form.literal}:${port}/`)),
  "of a name": await column((form, name) => (hasName(form) ? sent({}, `http://${name}:${port}/`) : undefined)),
  "of a name with a dot": await column((form, name) => (hasName(form) ? sent({}, `http://${name}.:${port}/`) : undefined)),
  "of an alias": await column((form, name) => (hasName(form) ? sent({}, `http://alias.${name}:${port}/`) : undefined)),
  "among a name's": await column((form, name) => (hasName(form) ? sent({}, `http://both.${name}:${port}/`) : undefined)),
  "in a redirect": await column((form) =>
    sent({}, `http://${publicAddress}:${port}/to?url=${encodeURIComponent(`http://${form.literal}:${port}/`)}`),
  ),
  "of a name in a redirect": await column((form, name) =>
    hasName(form) ? sent({}, `http://${publicAddress}:${port}/to?url=http://${name}:${port}/`) : undefined,
  ),
  "asked of a proxy": await column((form) => sent({ environment: { HTTP_PROXY: proxyURL } }, `http://${form.literal}:${port}/`)),
  "asked of a proxy for a tunnel": await column((form) =>
    sent({ environment: { HTTPS_PROXY: proxyURL } }, `https://${form.literal}:${port}/`),
  ),
  "of a name asked of a proxy": await column((form, name) =>
    hasName(form) ? sent({ environment: { HTTP_PROXY: proxyURL } }, `http://${name}:${port}/`) : undefined,
  ),
  "of an endpoint's proxy": await column((form) =>
    sent({}, `http://${publicAddress}:${port}/`, { proxy: literal(`http://${form.literal}:${port}`) }),
  ),
  "of the name of an endpoint's proxy": await column((form, name) =>
    hasName(form) ? sent({}, `https://${publicAddress}:${port}/`, { proxy: literal(`http://${name}:${port}`) }) : undefined,
  ),
};

/** A socket is free a turn after its answer has been read; one that the server closes, when that has been noticed. */
const freed = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

/** A socket that was opened while the name was public is no way to what it is later; nor is a new one. */
async function rebinding(name: string): Promise<object> {
  await using http = testRequester({ opened: [] });
  const before = accepted.length;
  const get = async (path: string): Promise<string> => {
    const outcome = await http.send(exchange({ url: `http://rebound.${name}:${port}${path}` }));
    await freed();
    return told(outcome);
  };
  const outcomes = [await get("/"), await get("/close")];
  outcomes.push(await get("/"), await get("/"));
  return { outcomes, connections: accepted.slice(before) };
}
const rebound: Record<string, object> = {};
for (const [label, form] of Object.entries(closedForms))
  if (hasName(form)) rebound[label] = await rebinding(`${slug(label)}.test`);

/** Two tenants at one private origin, of whom one may go there. */
async function pooled(host: string): Promise<object> {
  const base: EgressRules = { default: "AllowPublic", defaultName: "--egress-default", allow: [], deny: [] };
  const networks = ["10.0.0.0/8", "fd00::/8"].map(network);
  let mayGo: EgressRules = { ...base, allow: [{ name: "p", networks, methods: ["GET"] }] };
  const egress = createEgress({ rulesFor: (namespace) => (namespace === "team-a" ? mayGo : base) });
  await using http = testRequester({ opened: [], egress });
  const before = accepted.length;
  const send = async (namespace: string, method = "GET"): Promise<string> => {
    const one = exchange({ url: `http://${host}:${port}/`, request: { method } });
    const metadata = { ...one.scope.metadata, namespace };
    const outcome = await http.send({ ...one, scope: { ...one.scope, metadata } });
    await freed();
    return told(outcome);
  };
  const outcomes = [await send("team-a"), await send("team-b"), await send("team-a", "POST"), await send("team-a")];
  mayGo = { ...mayGo, allow: [] };
  outcomes.push(await send("team-a"));
  return { outcomes, connections: accepted.length - before };
}
names.set("inside.test", () => ({ addresses: ["10.20.30.40"] }));

const lookups = dns.count("ipv4.test");
await sent({}, `http://ipv4.test:${port}/`);
process.stdout.write(
  JSON.stringify({
    matrix,
    rebound,
    pooled: { literal: await pooled("10.20.30.40"), name: await pooled("inside.test"), v6: await pooled("[fd12::1]") },
    lookups: dns.count("ipv4.test") - lookups,
    unknownToUs: await sent({ environment: { HTTP_PROXY: proxyURL } }, "http://only.the.proxy.knows/"),
  }),
  () => process.exit(0),
);
