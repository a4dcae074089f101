/** `holdfast render`: what would be sent, with every secret masked; nothing is sent. */
import { stringify } from "yaml";
import { newAttempt, type Attempt } from "../core/delivery.ts";
import type { EgressRules } from "../core/egress.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Output } from "../core/output.ts";
import type { Read } from "../core/ports.ts";
import { configMapType, keyText, namespaceType, secretType, type Resource } from "../core/resource.ts";
import { createEvaluator } from "../expressions/evaluator.ts";
import { createClientPool } from "../http/connect/client-pool.ts";
import { createEgress } from "../http/connect/egress.ts";
import { createRequester, type HTTPRequester } from "../http/requester.ts";
import { createSockets } from "../http/connect/sockets.ts";
import { timing } from "../core/schedule.ts";
import { createEgressPolicies } from "../kinds/egress/policies.ts";
import { dependencyExpressions, ownField } from "../kinds/request/dependencies.ts";
import { declaredItem, derivedItems, listOf } from "../kinds/http-request/for-each.ts";
import { declaredOutputs } from "../kinds/request/outputs.ts";
import { declaredPoll } from "../kinds/request/poll.ts";
import { endpointReferences, usedEndpoint, type EndpointRef } from "../kinds/request/endpoint.ts";
import { buildExchange, declaredRequest, type DeclaredRequest, sendDigest } from "../kinds/request/request.ts";
import { declaredVerbs } from "../kinds/http-resource/render.ts";
import {
  clusterHTTPEndpointType,
  egressPolicyType,
  httpEndpointType,
  httpRequestType,
  httpResourceType,
  type UsedEndpoint,
  type HTTPRequest,
  type HTTPResource,
} from "../kinds/types.ts";
import { loadManifests } from "../standalone/manifests.ts";
import { createStandaloneStore, type StandaloneStore } from "../standalone/store.ts";
import { plannedRead, shownOutputs } from "./planned-outputs.ts";
import { ownMachine } from "./egress.ts";
import { version } from "./version.ts";

/** What is shown in place of what is not known before there is an answer. */
interface Unknown {
  readonly url?: string;
  /** Prints it so, where an expression cannot do without the id. */
  readonly asWritten?: (why: string) => void;
}

/** Returns the exit code: 1 if a manifest is wrong or a request could not be rendered. */
export async function renderManifests(paths: readonly string[]): Promise<number> {
  const loaded = await loadManifests(paths);
  if (loaded.type === "invalid") {
    process.stderr.write(`${loaded.errors.join("\n")}\n`);
    return 1;
  }
  using store = createStandaloneStore({ manifests: loaded.manifests });
  const policies = createEgressPolicies(ownMachine);
  const referred = new Map<string, Resource>();
  for (const type of [httpEndpointType, clusterHTTPEndpointType, namespaceType, egressPolicyType]) {
    for (const one of await list<Resource>(store, type)) {
      referred.set(`${type.kind} ${keyText(one.metadata)}`, one);
      policies.observe(type.kind, one.metadata.name, one);
    }
  }
  await using requester = createRendering((namespace) => policies.rulesFor(namespace));
  const endpointOf = (ref: EndpointRef | undefined, namespace: string): UsedEndpoint | undefined => {
    const references = endpointReferences(ref, namespace);
    const found = references.map(({ type, key }) => referred.get(`${type.kind} ${keyText(key)}`));
    return usedEndpoint(ref, found);
  };
  const { signal } = new AbortController();
  let exitCode = 0;
  const requests = await list<HTTPRequest>(store, httpRequestType);
  const resources = await list<HTTPResource>(store, httpResourceType);
  const readIn =
    (namespace: string): Read =>
    async (kind, name, elsewhere = namespace) => {
      const key = { namespace: elsewhere, name };
      const found = await store.read({ type: kind === "Secret" ? secretType : configMapType, key }, signal);
      if (found.type !== "absent") return found;
      const neighbours = [...requests, ...resources].filter(({ metadata }) => metadata.namespace === elsewhere);
      return plannedRead(neighbours.flatMap(outputsOf), kind, key) ?? found;
    };
  const complain = (what: string, message: string): void => {
    exitCode = 1;
    process.stderr.write(`${what}: ${message}\n`);
  };
  async function show(what: string, exchange: Exchange | Refusal, read: Read, { url, asWritten }: Unknown = {}): Promise<void> {
    const rendered = "type" in exchange ? exchange : await requester.describe(exchange, read, signal);
    if (rendered.type === "refusal") {
      const isGuess = asWritten !== undefined && rendered.reason === "ExpressionFailed";
      return isGuess ? asWritten("the id is not known") : complain(what, rendered.message);
    }
    const { type: _, ...request } = rendered;
    print(what, { ...request, ...(url !== undefined && { url }) });
  }
  for (const request of requests) {
    const { spec, metadata } = request;
    const attempt = newAttempt({ completedRuns: 0 }, { uid: metadata.uid, digest: sendDigest(spec) }, new Date());
    const { namespace } = metadata;
    const endpoint = endpointOf(spec.endpointRef, namespace);
    const read = readIn(namespace);
    const what = `HTTPRequest ${keyText(metadata)}`;
    const ticks = spec.schedule && timing(spec.schedule, undefined, new Date());
    if (ticks?.type === "invalid") complain(what, ticks.message);
    const about = { attempt, known: shownInputs(spec, metadata) };
    for (const declared of await declaredRequests({ spec, metadata }, about, { requester, read })) {
      const exchange = "type" in declared ? declared : buildExchange(declared, endpoint);
      const item = "scope" in exchange && exchange.scope.item ? `, item ${exchange.scope.item.index}` : "";
      await show(`${what}${item}`, exchange, read);
      if (!spec.poll || "type" in declared) continue;
      const { exchange: asking, ...unknown } = declaredPoll(spec.poll, { ...declared, compile: [] }, endpoint, "spec.poll");
      await show(`${what}, poll`, asking, read, unknown);
    }
    showOutputs(what, { spec });
  }
  for (const resource of resources) {
    const { spec, metadata } = resource;
    const { namespace } = metadata;
    const about = {
      endpointOf: (ref: EndpointRef) => endpointOf(ref, namespace),
      known: shownInputs(spec, metadata),
      now: new Date(),
    };
    const what = `HTTPResource ${keyText(metadata)}`;
    for (const { verb, note, declared, exchange, guesses, poll } of declaredVerbs(resource, about)) {
      const which = note === undefined ? verb : `${verb}, ${note}`;
      const asWritten = (why: string): void => print(`${what}, ${which}, as it is written: ${why}`, declared);
      if (!exchange) asWritten("it is made from what was observed");
      else await show(`${what}, ${which}`, exchange, readIn(namespace), guesses ? { asWritten } : {});
      if (poll) await show(`${what}, poll of ${verb}`, poll.exchange, readIn(namespace), poll);
    }
    showOutputs(what, resource);
  }
  return exitCode;
}

function print(what: string, shown: object): void {
  process.stdout.write(`---\n# ${what}\n${stringify(shown, { lineWidth: 0 })}`);
}

function showOutputs(what: string, resource: Pick<HTTPRequest | HTTPResource, "spec">): void {
  const outputs = shownOutputs(outputsOf(resource));
  if (outputs.length > 0) print(`${what}, what is made of the answer`, { outputs });
}

function outputsOf({ spec }: Pick<HTTPRequest | HTTPResource, "spec">): readonly Output[] {
  return declaredOutputs(spec.outputs, "spec.outputs");
}

/** One, or one for each item of `forEach`; or why there are none. */
async function declaredRequests(
  request: Pick<HTTPRequest, "spec" | "metadata">,
  { attempt, known }: { readonly attempt: Attempt; readonly known: ReadonlyMap<string, unknown> },
  { requester, read }: { readonly requester: HTTPRequester; readonly read: Read },
): Promise<readonly (DeclaredRequest | Refusal)[]> {
  const withAll = (declared: DeclaredRequest): DeclaredRequest => ({
    ...declared,
    compile: [...declared.compile, ...dependencyExpressions(request.spec)],
  });
  if (!request.spec.forEach) return [withAll(declaredRequest(request, attempt, known))];
  const list = listOf(request, attempt, known);
  const items = "list" in list ? derivedItems(await requester.evaluate(list, read, new AbortController().signal)) : list;
  return "type" in items ? [items] : items.map((item) => withAll(declaredItem(request, { attempt, item, known })));
}

/** What another object will have is not known before that has been sent. */
function shownInputs(
  { inputs = {} }: Pick<HTTPRequest["spec"], "inputs">,
  metadata: HTTPRequest["metadata"],
): ReadonlyMap<string, unknown> {
  const known = Object.entries(inputs).flatMap(([name, { fieldRef, objectRef }]): [string, unknown][] => {
    if (objectRef) return [[name, `(of ${objectRef.kind} ${objectRef.name})`]];
    const value = fieldRef && ownField(fieldRef, metadata);
    return value === undefined ? [] : [[name, value]];
  });
  return new Map(known);
}

const emit = (): void => {};

function createRendering(rulesFor: (namespace: string) => EgressRules | undefined): HTTPRequester & AsyncDisposable {
  const resources = new AsyncDisposableStack();
  const evaluator = resources.use(createEvaluator());
  const clients = resources.use(createClientPool({ clients: new Map(), sockets: resources.use(createSockets(emit)), emit }));
  const egress = createEgress({ floor: ownMachine.floor, rulesFor });
  const requester = resources.use(
    createRequester({ clients, evaluator, emit, egress, maxResponseBytes: 0, userAgent: `holdfast/${version}` }),
  );
  return { ...requester, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function list<R>(store: StandaloneStore, type: Parameters<StandaloneStore["watch"]>[0]): Promise<readonly R[]> {
  for await (const event of store.watch(type, new AbortController().signal)) {
    if (event.type === "listed") return event.resources as readonly R[];
  }
  return [];
}
