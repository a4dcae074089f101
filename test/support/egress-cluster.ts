/**
 * A program for a network namespace of its own: a real API server, a controller that has been opened nothing, tenants who try to
 * get where they may not, and an administrator's policies. Prints what each step came to.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { closedForms } from "./address-forms.ts";
import { startControlPlane } from "./control-plane.ts";
import { startController } from "./controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequest, type DeclaredRequests } from "./declared-requests.ts";
import { dnsServer } from "./dns-server.ts";
import { until } from "./fault-world.ts";
import { grantController } from "./chart-rights.ts";
import { installCRDs } from "./install.ts";

const [publicAddress, privateAddress] = ["93.184.216.34", "10.20.30.40"];
const canary = "what-only-metadata-knows";
const denied = "NotReady/EgressDenied";

interface Arrival {
  readonly address: string;
  readonly path: string;
  readonly authorization?: string | undefined;
}
const accepted: string[] = [];
const arrivals: Arrival[] = [];
const server = createServer((request, response) => {
  const address = (request.socket.localAddress ?? "").replace("::ffff:", "");
  arrivals.push({ address, path: request.url ?? "", authorization: request.headers.authorization });
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
  if (pathname === "/to") response.writeHead(302, { location: searchParams.get("url") ?? "" });
  response.end(JSON.stringify(address === publicAddress ? { hello: "world" } : { canary }));
});
server.keepAliveTimeout = 60_000;
server.on("connection", ({ localAddress = "" }: Socket) => accepted.push(localAddress.replace("::ffff:", "")));
await once(server.listen(0, "::"), "listening");
const { port } = server.address() as AddressInfo;
const connectionsTo = (address: string): number => accepted.filter((one) => one === address).length;

await using _dns = await dnsServer((name, nth) => {
  if (name === "metadata.test") return { addresses: ["169.254.169.254"], cname: "alias.test" };
  if (name === "rebound.test") return { addresses: [nth === 1 ? publicAddress : "169.254.169.254"] };
  if (name === "db.data.svc") return { addresses: ["10.20.30.40"] };
  return undefined;
});
await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
// With a default it is opened nothing: see `startController`.
const flags = ["--kubeconfig", plane.kubeconfigs.holdfast, "--egress-default", "allow-public"];
await using controller = await startController(flags);
const found: Record<string, unknown> = {};
let runs = 0;

async function tenant(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<DeclaredRequests & { namespace: string }> {
  const namespace = await plane.createNamespace(name);
  await label(namespace, labels);
  return { ...declaredRequests(plane, namespace), namespace };
}
async function label(namespace: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
  await plane.adminPatch(`/api/v1/namespaces/${namespace}`, { metadata: { labels } });
}
const policies = "/apis/holdfast.dev/v1alpha1/egresspolicies";
async function policy(name: string, spec: object): Promise<number> {
  const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "EgressPolicy", metadata: { name }, spec };
  return (await plane.admin("POST", policies, object)).status;
}
const message = (request: DeclaredRequest | undefined): string =>
  request?.status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";
async function outcome(requests: DeclaredRequests, name: string, isSo: (state: string) => boolean): Promise<object> {
  const all = await requests.until(`${name} has ended`, (all) => isSo(stateOf(all.get(name))));
  return { state: stateOf(all.get(name)), message: message(all.get(name)) };
}
const hasEnded = (state: string): boolean => state !== "" && !/Sending|Retrying/.test(state);
async function sent(requests: DeclaredRequests, name: string, spec: object): Promise<object> {
  await requests.create(name, { retry: { limit: 0 }, ...spec });
  return outcome(requests, name, hasEnded);
}

/* Kyverno, KubeVela, OpenKruise: loopback and metadata, in every form. Kyverno, Tekton: the controller's own token. */
const attacker = await tenant("attacker");
const urls = Object.values(closedForms).map(({ literal }) => `http://${literal}:${port}/latest/meta-data/`);
urls.push(
  `http://metadata.test:${port}/`,
  `${plane.url}/api/v1/secrets`,
  "https://kubernetes.default.svc/api",
  "https://KUBERNETES/api",
);
await Promise.all(
  urls.map((url, index) =>
    attacker.create(`closed-${index}`, { url, tls: { insecureSkipVerify: true }, method: index % 2 ? "GET" : "POST" }),
  ),
);
const closed = await attacker.until(
  "all are denied",
  (all) => [...all.values()].every((request) => stateOf(request) === denied),
  40_000,
);
found["closed"] = urls.map((url, index) => ({ url, message: message(closed.get(`closed-${index}`)) }));
found["reached"] = [...accepted];
found["apiServerSaw"] = (await plane.auditEvents()).filter(({ uri, user }) => uri === "/api/v1/secrets" && user !== "admin");

/* What may be reached is, with nothing of the controller's own. */
found["public"] = await sent(attacker, "public", { url: `http://${publicAddress}:${port}/public` });
found["tokens"] = arrivals.map(({ authorization }) => authorization ?? "none");

/* kube-apiserver, kube-controller-manager: a redirect into the network inside, and what was there in a condition. */
const inside = encodeURIComponent(`http://169.254.169.254:${port}/latest`);
found["redirect"] = await sent(attacker, "redirect", { url: `http://${publicAddress}:${port}/to?url=${inside}`, record: "Body" });
found["redirectName"] = await sent(attacker, "redirect-name", {
  url: `http://${publicAddress}:${port}/to?url=http://metadata.test:${port}/`,
});

/* DNS rebinding, between two tries. */
found["rebound"] = [
  await sent(attacker, "rebound-1", { url: `http://rebound.test:${port}/`, timeout: "29s" }),
  await sent(attacker, "rebound-2", { url: `http://rebound.test:${port}/`, timeout: "28s" }), // another client, so another socket
];
found["metadataReached"] = arrivals.filter(({ address }) => address !== publicAddress);

/* Private addresses: by policy, for whom it is, from when it is. */
const [trusted, other] = [await tenant("trusted", { tier: "trusted" }), await tenant("other")];
const inner = { url: `http://${privateAddress}:${port}/inner` };
found["privateBefore"] = [await sent(trusted, "inner", inner), await sent(other, "inner", inner)];
found["events"] = await eventsOf(trusted.namespace, "inner");
found["metric"] = await controller.metric('holdfast_egress_denied_total{rule="private"}');
const rule = { cidrs: ["10.20.30.0/24"], methods: ["GET"] };
await policy("inside", { namespaceSelector: { matchLabels: { tier: "trusted" } }, allow: [rule] });
found["privateAllowed"] = await outcome(trusted, "inner", (state) => state.startsWith("Ready/"));
found["privateOther"] = stateOf((await other.all()).get("inner"));
found["privatePost"] = await sent(trusted, "post", { ...inner, method: "POST" });
found["pooled"] = await sent(trusted, "pooled", inner);
found["privateConnections"] = connectionsTo(privateAddress);
await label(other.namespace, { tier: "trusted" });
found["relabelled"] = await outcome(other, "inner", (state) => state.startsWith("Ready/"));
await plane.admin("DELETE", `${policies}/inside`);
await until("the policy is gone", async () => !isReady(await again(trusted, "after")));
const before = arrivals.length;
found["withdrawn"] = { state: stateOf(await again(trusted, "later")), seen: arrivals.length - before };

/* A rule that denies wins, a default closes, a Service opens. */
const held = await tenant("held", { tier: "held" });
const selector = { namespaceSelector: { matchLabels: { tier: "held" } } };
await policy("no-such-host", {
  ...selector,
  deny: [{ hosts: ["rebound.test"] }, { cidrs: ["93.184.216.0/24"], methods: ["POST"] }],
});
await policy("all-private", { ...selector, allow: [{ cidrs: ["0.0.0.0/0", "::/0"] }] });
await until("the policies are known", async () => {
  const { body } = await plane.admin("GET", policies);
  return (body as { items: { status?: object }[] }).items.every(({ status }) => status !== undefined);
});
found["denyWins"] = await sent(held, "host", { url: `http://rebound.test:${port}/` });
found["denyNetwork"] = await sent(held, "network", { url: `http://${publicAddress}:${port}/`, method: "POST" });
found["floorStays"] = await sent(held, "floor", { url: `http://169.254.169.254:${port}/` });
const strict = await tenant("strict", { tier: "strict" });
await policy("strict", {
  namespaceSelector: { matchLabels: { tier: "strict" } },
  default: "Deny",
  allow: [{ services: [{ namespace: "data", name: "db" }] }],
});
await until(
  "the policy is known",
  async () => ((await plane.admin("GET", `${policies}/strict`)).body as { status?: object }).status !== undefined,
);
found["strict"] = [
  await sent(strict, "public", { url: `http://${publicAddress}:${port}/` }),
  await sent(strict, "service", { url: `http://db.data.svc:${port}/` }),
];
found["admission"] = [
  await policy("bad-1", { allow: [{}] }),
  await policy("bad-2", { allow: [{ cidrs: ["10.0.0.0/33"] }] }),
  await policy("bad-3", { allow: [{ hosts: ["*"] }] }),
  await policy("bad-4", { namespaceSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }),
];
await policy("unreadable", { namespaceSelector: { matchLabels: { tier: "none" } }, deny: [{ cidrs: ["1:2::3::4/8"] }] });
await until("it is said", async () =>
  JSON.stringify((await plane.admin("GET", `${policies}/unreadable`)).body).includes("InvalidCIDR"),
);
found["leaked"] =
  JSON.stringify([...(await attacker.all()).values()]).includes(canary) || JSON.stringify(controller.log).includes(canary);
found["warned"] = controller.log.some(({ message }) => message.includes("--egress-unsafe-allow"));

/* A controller of some namespaces reads no policies. */
const scoped = await tenant("scoped", { tier: "trusted" });
await policy("for-everybody", { allow: [{ cidrs: ["0.0.0.0/0", "::/0"] }] });
controller.kill("SIGTERM");
await controller.exited;
await using confined = await startController([...flags, "--namespace", scoped.namespace, "--egress-unsafe-allow", "127.0.0.0/8"]);
found["scoped"] = [await sent(scoped, "inner", inner), await sent(scoped, "public", { url: `http://${publicAddress}:${port}/` })];

/* What a test opens is open to everybody, the API server's port excepted, and is told at start. */
found["opened"] = [
  await sent(scoped, "opened", { url: `http://127.0.0.1:${port}/` }),
  await sent(scoped, "api-server", { url: `${plane.url}/api`, tls: { insecureSkipVerify: true } }),
];
found["warnedOfOpened"] = confined.log.some(
  ({ message, level }) => level === "warn" && message.includes("--egress-unsafe-allow"),
);

process.stdout.write(JSON.stringify(found));
server.closeAllConnections();
server.close();

async function eventsOf(namespace: string, name: string): Promise<readonly string[]> {
  type Told = {
    readonly type: string;
    readonly reason: string;
    readonly note: string;
    readonly regarding: { readonly name: string };
  };
  let events: readonly Told[] = [];
  await until("there is an event", async () => {
    const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    events = (body as { items: Told[] }).items.filter(({ regarding }) => regarding.name === name);
    return events.length > 0;
  });
  return events.map(({ type, reason, note }) => `${type} ${reason} ${note}`);
}
/** A new request each time: a policy that has just gone may not be known yet. */
async function again(requests: DeclaredRequests, path: string): Promise<DeclaredRequest | undefined> {
  const name = `again-${(runs += 1)}`;
  await sent(requests, name, { url: `http://${privateAddress}:${port}/${path}-${runs}` });
  return (await requests.all()).get(name);
}
