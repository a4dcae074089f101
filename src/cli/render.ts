/** `holdfast render`: what would be sent, with every secret masked; nothing is sent. */
import { stringify } from "yaml";
import { newAttempt, type Attempt } from "../core/delivery.ts";
import type { EgressRules } from "../core/egress.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Read } from "../core/ports.ts";
import { keyText } from "../core/resource.ts";
import { timing } from "../core/schedule.ts";
import { createEvaluator } from "../expressions/evaluator.ts";
import { createClientPool } from "../http/connect/client-pool.ts";
import { createEgress } from "../http/connect/egress.ts";
import { createSockets } from "../http/connect/sockets.ts";
import { createRequester, type HTTPRequester } from "../http/requester.ts";
import type { TriggerEvent } from "../api/trigger.ts";
import { declaredItem, derivedItems, listOf } from "../kinds/http-request/for-each.ts";
import { findUndeclared as findUndeclaredOfRequest } from "../kinds/http-request/references.ts";
import { findUndeclared as findUndeclaredOfResource } from "../kinds/http-resource/references.ts";
import { sampleEvent } from "../kinds/http-request/told.ts";
import { declaredVerbs } from "../kinds/http-resource/render.ts";
import { dependencyExpressions, ownField } from "../kinds/request/dependencies.ts";
import { endpointFault } from "../kinds/request/endpoint-faults.ts";
import { connectionOf, titleOf, type EndpointRef } from "../kinds/request/endpoint.ts";
import { findSuspicion } from "../kinds/request/suspicions.ts";
import { declaredPoll } from "../kinds/request/poll.ts";
import { buildExchange, declaredRequest, type DeclaredRequest, sendDigest } from "../kinds/request/request.ts";
import type { Endpoint, HTTPRequest, HTTPResource } from "../kinds/types.ts";
import { loadManifests } from "../standalone/manifests.ts";
import { createStandaloneStore } from "../standalone/store.ts";
import { outputsOf, readDeclared, type Declared } from "./declared.ts";
import { ownMachine } from "./egress.ts";
import { shownOutputs } from "./planned-outputs.ts";
import { version } from "./version.ts";

/** What is shown in place of what is not known before there is an answer. */
interface Unknown {
  readonly url?: string;
  /** Prints it so, where an expression cannot do without the id. */
  readonly asWritten?: (why: string) => void;
}

interface Rendering {
  readonly declared: Declared;
  readonly requester: HTTPRequester;
  readonly complain: (what: string, message: string) => void;
}

/** Returns the exit code: 1 if a manifest is wrong or a request could not be rendered. */
export async function renderManifests(paths: readonly string[]): Promise<number> {
  const loaded = await loadManifests(paths);
  if (loaded.type === "invalid") {
    process.stderr.write(`${loaded.errors.join("\n")}\n`);
    return 1;
  }
  using store = createStandaloneStore({ manifests: loaded.manifests });
  const declared = await readDeclared(store);
  await using requester = createRendering(declared.rulesFor);
  let exitCode = 0;
  const complain = (what: string, message: string): void => {
    exitCode = 1;
    process.stderr.write(`${what}: ${message}\n`);
  };
  const rendering = { declared, requester, complain };
  for (const request of declared.requests) await renderRequest(request, rendering);
  for (const resource of declared.resources) await renderResource(resource, rendering);
  for (const endpoint of declared.endpoints) await renderLogin(endpoint, rendering);
  return exitCode;
}

async function renderRequest(request: HTTPRequest, rendering: Rendering): Promise<void> {
  const { declared, requester, complain } = rendering;
  const { spec, metadata } = request;
  const attempt = newAttempt({ completedRuns: 0 }, { uid: metadata.uid, digest: sendDigest(spec) }, new Date());
  const endpoint = declared.endpointOf(spec.endpointRef, metadata.namespace);
  const read = declared.readIn(metadata.namespace);
  const what = `HTTPRequest ${keyText(metadata)}`;
  const ticks = spec.schedule && timing(spec.schedule, undefined, new Date());
  if (ticks?.type === "invalid") complain(what, ticks.message);
  const undeclared = findUndeclaredOfRequest(request);
  if (undeclared) return complain(what, undeclared.message);
  warn(what, spec);
  const about = { attempt, known: shownInputs(spec, metadata) };
  for (const one of await declaredRequests({ spec, metadata }, about, { requester, read })) {
    const exchange = "type" in one ? one : buildExchange(one, endpoint);
    const item = "scope" in exchange && exchange.scope.item ? `, item ${exchange.scope.item.index}` : "";
    await show(`${what}${item}`, exchange, read, rendering);
    if (!spec.poll || "type" in one) continue;
    const { exchange: asking, ...unknown } = declaredPoll(
      spec.poll,
      { ...one, expressionsToValidate: [] },
      endpoint,
      "spec.poll",
    );
    await show(`${what}, poll`, asking, read, rendering, unknown);
  }
  showOutputs(what, request);
}

async function renderResource(resource: HTTPResource, rendering: Rendering): Promise<void> {
  const { declared } = rendering;
  const { spec, metadata } = resource;
  const read = declared.readIn(metadata.namespace);
  const about = {
    endpointOf: (ref: EndpointRef) => declared.endpointOf(ref, metadata.namespace),
    known: shownInputs(spec, metadata),
    now: new Date(),
  };
  const what = `HTTPResource ${keyText(metadata)}`;
  const undeclared = findUndeclaredOfResource(resource);
  if (undeclared) return rendering.complain(what, undeclared.message);
  warn(what, spec);
  for (const { verb, note, declared: written, exchange, guesses, poll } of declaredVerbs(resource, about)) {
    const which = note === undefined ? verb : `${verb}, ${note}`;
    const asWritten = (why: string): void => print(`${what}, ${which}, as it is written: ${why}`, written);
    if (!exchange) asWritten("it is made from what was observed");
    else await show(`${what}, ${which}`, exchange, read, rendering, guesses ? { asWritten } : {});
    if (poll) await show(`${what}, poll of ${verb}`, poll.exchange, read, rendering, poll);
  }
  showOutputs(what, resource);
}

async function renderLogin(endpoint: Endpoint, { declared, requester, complain }: Rendering): Promise<void> {
  const fault = endpointFault(endpoint);
  if (fault) return complain(titleOf(endpoint), fault.message);
  const connection = connectionOf(endpoint);
  if (connection.auth?.type !== "login") return;
  const read = declared.readIn(endpoint.metadata.namespace);
  const rendered = await requester.describeLogin(connection, read, new AbortController().signal);
  if (rendered.type === "refusal") return complain(titleOf(endpoint), rendered.message);
  for (const { field, ...request } of rendered.requests) print(field, request);
}

async function show(
  what: string,
  exchange: Exchange | Refusal,
  read: Read,
  { requester, complain }: Rendering,
  { url, asWritten }: Unknown = {},
): Promise<void> {
  const rendered = "type" in exchange ? exchange : await requester.describe(exchange, read, new AbortController().signal);
  if (rendered.type === "refusal") {
    const isGuess = asWritten !== undefined && rendered.reason === "ExpressionFailed";
    return isGuess ? asWritten("the id is not known") : complain(what, rendered.message);
  }
  const { type: _, ...request } = rendered;
  print(what, { ...request, ...(url !== undefined && { url }) });
}

function warn(what: string, spec: object): void {
  const suspicion = findSuspicion(spec);
  if (suspicion !== undefined) process.stderr.write(`warning: ${what}: ${suspicion}\n`);
}

function print(what: string, shown: object): void {
  process.stdout.write(`---\n# ${what}\n${stringify(shown, { lineWidth: 0 })}`);
}

function showOutputs(what: string, resource: Pick<HTTPRequest | HTTPResource, "spec">): void {
  const outputs = shownOutputs(outputsOf(resource));
  if (outputs.length > 0) print(`${what}, what is made of the answer`, { outputs });
}

/** One, or one for each item of `forEach`; or why there are none. */
async function declaredRequests(
  request: Pick<HTTPRequest, "spec" | "metadata">,
  { attempt, known }: { readonly attempt: Attempt; readonly known: ReadonlyMap<string, unknown> },
  { requester, read }: { readonly requester: HTTPRequester; readonly read: Read },
): Promise<readonly (DeclaredRequest | Refusal)[]> {
  const withAll = (declared: DeclaredRequest): DeclaredRequest => ({
    ...declared,
    expressionsToValidate: [...declared.expressionsToValidate, ...dependencyExpressions(request.spec)],
  });
  if (!request.spec.forEach) return [withAll(declaredRequest(request, attempt, known, sampleOf(request)))];
  const list = listOf(request, attempt, known);
  const items = "list" in list ? derivedItems(await requester.evaluate(list, read, new AbortController().signal)) : list;
  return "type" in items ? [items] : items.map((item) => withAll(declaredItem(request, { attempt, item, known })));
}

/** What a notice tells of is not known before that has happened. */
function sampleOf({ spec, metadata }: Pick<HTTPRequest, "spec" | "metadata">): TriggerEvent | undefined {
  return spec.trigger && sampleEvent(spec.trigger, metadata.namespace);
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
