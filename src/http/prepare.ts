/**
 * Everything of an exchange up to its credential: read, evaluated, rendered and checked.
 *
 * Invariant: whatever can be found wrong is found here, as a refusal that names the field, and before a byte leaves.
 */
import type { Exchange } from "../core/exchange.ts";
import type { Scope } from "../core/evaluation.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { leastTelling, type Secrets } from "../core/mask-secrets.ts";
import type { Evaluator, Read } from "../core/ports.ts";
import type { Located } from "../core/request-template.ts";
import { keyText } from "../core/resource.ts";
import type { Eventual } from "../core/tools/eventual.ts";
import { oncePer } from "../core/tools/once-per.ts";
import { bytesInBody, expressionsOfText, stringsIn, templatesOf } from "../core/templating.ts";
import type { AuthSettings } from "./resolve/auth.ts";
import type { SignSettings } from "./resolve/sign.ts";
import { readBytes, secretTexts, type AllBytes } from "./resolve/bytes.ts";
import { resolveHidden } from "./resolve/hidden.ts";
import type { ClientPool } from "./connect/client-pool.ts";
import type { ClientSettings } from "./connect/client-settings.ts";
import { hideAdminDetails, resolveConnection, withoutAdminDetails, type Connecting } from "./resolve/connection.ts";
import { denialIn } from "./connect/egress-connector.ts";
import { egressRefusal } from "./connect/egress-refusal.ts";
import type { Egress } from "./connect/egress.ts";
import { compileAll } from "./evaluate/batch.ts";
import type { Evaluations } from "./evaluate/plan-evaluations.ts";
import { checkReferences } from "./evaluate/references.ts";
import { readsElsewhere, readsSecret, secretValues, type Inputs } from "./resolve/inputs.ts";
import { resolveLocation } from "./send/location.ts";
import type { Hop } from "./send/redirects.ts";
import { anywhere, placeOf, type Place } from "./place.ts";
import { healing, healingRefusals, RefusedError } from "./refusal.ts";
import { expressionsOf, renderRequest } from "./render/render.ts";
import type { Sending } from "./send/send.ts";
import type { WireRequest } from "./wire-request.ts";
import { checkTls } from "./resolve/tls.ts";

interface PrepareDeps {
  readonly clients: Pick<ClientPool, "has">;
  readonly evaluator: Evaluator;
  readonly evaluations: Pick<Evaluations, "valuesOf">;
  readonly egress: Egress;
  readonly emit: EmitTelemetry;
  readonly userAgent: string;
  /** What sets a namespace's clients apart from others'. */
  readonly isolated: (namespace: string) => Pick<ClientSettings, "namespace">;
}
/** Without a credential and a signature, whose settings are in `auth` and `sign`. */
export interface Ready extends Pick<
  Sending,
  "first" | "template" | "maxRedirects" | "secrets" | "hidden" | "placeNow" | "metadata" | "endpoint" | "freshAfterMs"
> {
  readonly auth: AuthSettings | undefined;
  readonly sign: SignSettings | undefined;
}
/** Throws `RefusedError`, or rejects with one. A promise only where something is read or evaluated. */
export type Prepare = (exchange: Exchange, inputs: Inputs, read: Read, signal: AbortSignal) => Ready | Promise<Ready>;

export function createPrepare(deps: PrepareDeps): Prepare {
  const { clients, evaluator, evaluations, egress, emit, userAgent, isolated } = deps;

  function admit(
    { request, settings }: Pick<Hop, "request" | "settings">,
    metadata: Scope["metadata"],
    placeNow: () => Place,
  ): ClientSettings {
    try {
      return egress.admit(request, settings, metadata.namespace);
    } catch (error) {
      const denial = denialIn(error);
      throw denial ? new RefusedError(egressRefusal(denial, { metadata, server: placeNow().server }, emit)) : error;
    }
  }

  /** What its expressions yield, by their text. */
  function valuesOf(exchange: Exchange, inputs: Inputs, signal: AbortSignal): Eventual<Values> {
    const expressions = expressionsOf(exchange.request);
    if (expressions.length === 0) return noValues;
    checkReferences(expressions, exchange.scope, inputs);
    return evaluations.valuesOf(expressions, exchange, inputs, signal);
  }
  /** What of it has to be waited for. Rejects with a `RefusedError`. */
  async function gather(
    exchange: Exchange,
    { inputs, connecting }: { readonly inputs: Inputs; readonly connecting: Connecting | Promise<Connecting> },
    read: Read,
    signal: AbortSignal,
  ): Promise<Gathered> {
    const { request, scope, expressionsToValidate } = exchange;
    const connected = connecting instanceof Promise ? await hideAdminDetails(exchange, () => connecting) : connecting;
    if (renderedBefore(exchange, inputs, connected)) return { inputs, connecting: connected, ...alone };
    const asked = { expressions: expressionsToValidate, group: scope.metadata.namespace };
    const compiling = expressionsToValidate.length > 0 ? compileAll(evaluator, asked, signal) : undefined;
    if (compiling) await compiling;
    const reading = readBytes(bytesInBody(request.body), read);
    const bytes = reading instanceof Promise ? await reading : reading;
    const evaluating = healingRefusals(
      () => readElsewhere(exchange),
      () => valuesOf(exchange, inputs, signal),
    );
    const values = evaluating instanceof Promise ? await evaluating : evaluating;
    const hidden = exchange.hidden && (await resolveHidden(exchange.hidden, read));
    return { inputs, connecting: connected, bytes, values, hidden };
  }
  function readyOf(exchange: Exchange, gathered: Gathered): Ready {
    const { request, scope, maxRedirects } = exchange;
    const { inputs, connecting, bytes, values, hidden } = gathered;
    const before = renderedBefore(exchange, inputs, connecting);
    const rendered = before ?? render(exchange, gathered, userAgent);
    const { first, origin } = rendered;
    if (!before && inputs.size === 0 && bytes.size === 0 && isSmall(first.request)) latestOf(exchange).rendered = rendered;
    const placeNow = (): Place => {
      const place = placeOf(exchange, origin, readsSecret(scope, inputs));
      return first.request.origin === origin ? place : { ...anywhere, tls: place.tls, proxy: place.proxy };
    };
    const settings = admit(first, scope.metadata, placeNow);
    if (!clients.has(settings)) checkMaterial(settings, exchange);
    return {
      auth: connecting.auth,
      sign: connecting.sign,
      first: settings === first.settings ? first : { ...first, settings },
      template: request,
      maxRedirects,
      hidden,
      secrets: secretsOf(scope, { inputs, bytes, kept: connecting.secrets, values }),
      placeNow,
      metadata: scope.metadata,
      endpoint: exchange.endpoint && keyText(exchange.endpoint.key),
      freshAfterMs: exchange.freshAfterMs,
    };
  }

  return (exchange, inputs, read, signal) => {
    const { timeoutMs, scope } = exchange;
    const connecting = resolveConnection(exchange, { timeoutMs, ...isolated(scope.metadata.namespace) }, read);
    const isReady = !(connecting instanceof Promise) && (renderedBefore(exchange, inputs, connecting) || !hasToWait(exchange));
    if (isReady) return readyOf(exchange, { inputs, connecting, ...alone });
    return gather(exchange, { inputs, connecting }, read, signal).then((gathered) => readyOf(exchange, gathered));
  };
}

/** What was made of an exchange by itself, with nothing read, the last time that it was prepared. */
const latestOf = oncePer((_exchange: Exchange): { rendered?: Rendered } => ({}));
/** What is kept of an exchange stays as long as that does, which nobody counts. */
function isSmall({ body, path, headers }: WireRequest): boolean {
  const texts = [path, ...Object.entries(headers).flat(2)];
  return body === undefined && texts.reduce((sum, { length }) => sum + length, 0) <= longestKept;
}
/** Characters. */
const longestKept = 1_024;
function renderedBefore(exchange: Exchange, inputs: Inputs, { settings }: Connecting): Rendered | undefined {
  const { rendered } = latestOf(exchange);
  return inputs.size === 0 && !exchange.hidden && rendered?.first.settings === settings ? rendered : undefined;
}

/** Rendered, at its own URL and where it goes. Throws `RefusedError`. */
function render(exchange: Exchange, { values, bytes, connecting }: Gathered, userAgent: string): Rendered {
  const { request, repeatable } = exchange;
  const valueOf = (expression: string): string => values.get(expression) ?? "null";
  try {
    const wire = renderRequest(request, { valueOf, bytes, seen: exchange }, userAgent);
    const own = { request: wire, settings: connecting.settings, repeatable, trusted: true };
    return { origin: wire.origin, first: resolveLocation(own, request, valueOf) };
  } catch (error) {
    throw healing(error, () => readElsewhere(exchange));
  }
}
/** Throws `RefusedError`. */
function checkMaterial({ tls }: ClientSettings, exchange: Exchange): void {
  try {
    checkTls(tls, exchange.tls);
  } catch (error) {
    throw withoutAdminDetails(error, exchange);
  }
}
function readElsewhere({ request, scope }: Exchange): readonly Located[] {
  return templatesOf(request).filter(({ text }) => expressionsOfText(text).some(readsElsewhere(scope)));
}
/** Whether anything of it has to be read or evaluated, beside what its connection needs. */
function hasToWait({ request, expressionsToValidate, hidden }: Exchange): boolean {
  const hasExpressions = expressionsToValidate.length > 0 || expressionsOf(request).length > 0;
  return hasExpressions || hidden !== undefined || bytesInBody(request.body).length > 0;
}

type Values = ReadonlyMap<string, string>;
const noValues: Values = new Map();
/** Where nothing has to be read or evaluated. */
const alone = { bytes: new Map(), values: noValues, hidden: undefined } satisfies Omit<Gathered, "inputs" | "connecting">;
/** What it is rendered of. */
interface Gathered {
  readonly inputs: Inputs;
  readonly connecting: Connecting;
  readonly bytes: AllBytes;
  readonly values: Values;
  readonly hidden: Ready["hidden"];
}
interface Rendered {
  /** Of its own URL. */
  readonly origin: string;
  readonly first: Hop;
}

interface SecretParts {
  readonly inputs: Inputs;
  readonly bytes: AllBytes;
  readonly kept: readonly string[];
  readonly values: Values;
}
/** What must not be shown, put together when somebody asks. */
function secretsOf(scope: Scope, { inputs, bytes, kept, values }: SecretParts): () => Secrets {
  if (inputs.size === 0 && bytes.size === 0 && kept.length === 0) return openSecrets; // no value can have been made of one
  return once(() => {
    const mayBeSecret = readsSecret(scope, inputs);
    const derived = [...values].filter(([expression]) => mayBeSecret(expression)).flatMap(([, json]) => textsOf(json));
    return {
      kept: [...secretValues(inputs), ...secretTexts(bytes), ...kept],
      derived: [...new Set(derived)].filter(({ length }) => length >= leastTelling),
    };
  });
}
const noSecrets: Secrets = { kept: [], derived: [] };
const openSecrets = (): Secrets => noSecrets;

/** The texts in a JSON value, and its numbers as text. */
function textsOf(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return typeof value === "number" ? [json] : stringsIn(value, "").map(({ text }) => text);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
