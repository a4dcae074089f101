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
import { keyText } from "../core/resource.ts";
import { bytesInBody, expressionsOfText, stringsIn, templatesOf } from "../core/templating.ts";
import type { AuthSettings } from "./resolve/auth.ts";
import type { SignSettings } from "./resolve/sign.ts";
import { readBytes, secretTexts, type AllBytes } from "./resolve/bytes.ts";
import { resolveHidden } from "./resolve/hidden.ts";
import type { ClientPool } from "./connect/client-pool.ts";
import type { ClientSettings } from "./connect/client-settings.ts";
import { hideAdminDetails, resolveConnection } from "./resolve/connection.ts";
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
import { healing, RefusedError } from "./refusal.ts";
import { expressionsOf, renderRequest } from "./render/render.ts";
import type { Sending } from "./send/send.ts";
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
/** Throws `RefusedError`. */
export type Prepare = (exchange: Exchange, inputs: Inputs, read: Read, signal: AbortSignal) => Promise<Ready>;

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
  function valuesOf(exchange: Exchange, inputs: Inputs, signal: AbortSignal): Values | Promise<Values> {
    const expressions = expressionsOf(exchange.request);
    if (expressions.length === 0) return noValues;
    checkReferences(expressions, exchange.scope, inputs);
    return evaluations.valuesOf(expressions, exchange, inputs, signal);
  }
  /** Rendered, at its own URL and where it goes. */
  function render(exchange: Exchange, { values, bytes, settings }: Rendering): Rendered {
    const { request, repeatable } = exchange;
    const valueOf = (expression: string): string => values.get(expression) ?? "null";
    const wire = renderRequest(request, { valueOf, bytes, seen: exchange }, userAgent);
    const first = resolveLocation({ request: wire, settings, repeatable, trusted: true }, request, valueOf);
    return { origin: wire.origin, first };
  }

  return async (exchange, inputs, read, signal) => {
    const { request, scope, timeoutMs, maxRedirects, expressionsToValidate } = exchange;
    const { namespace } = scope.metadata;
    const resolving = resolveConnection(exchange, { timeoutMs, ...isolated(namespace) }, read);
    const connecting = resolving instanceof Promise ? await hideAdminDetails(exchange, () => resolving) : resolving;
    if (expressionsToValidate.length > 0)
      await compileAll(evaluator, { expressions: expressionsToValidate, group: namespace }, signal);
    const reading = readBytes(bytesInBody(request.body), read);
    const bytes = reading instanceof Promise ? await reading : reading;
    let values: Values;
    let rendered: Rendered;
    try {
      const evaluating = valuesOf(exchange, inputs, signal);
      values = evaluating instanceof Promise ? await evaluating : evaluating;
      rendered = render(exchange, { values, bytes, settings: connecting.settings });
    } catch (error) {
      throw healing(error, () => templatesOf(request).filter(({ text }) => expressionsOfText(text).some(readsElsewhere(scope))));
    }
    const { first, origin } = rendered;
    const placeNow = (): Place => {
      const place = placeOf(exchange, origin, readsSecret(scope, inputs));
      return first.request.origin === origin ? place : { ...anywhere, tls: place.tls, proxy: place.proxy };
    };
    const hidden = exchange.hidden && (await resolveHidden(exchange.hidden, read));
    const settings = admit(first, scope.metadata, placeNow);
    if (!clients.has(settings)) await hideAdminDetails(exchange, async () => checkTls(settings.tls, exchange.tls));
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
  };
}

type Values = ReadonlyMap<string, string>;
const noValues: Values = new Map();
interface Rendering {
  readonly values: Values;
  readonly bytes: AllBytes;
  readonly settings: ClientSettings;
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
  if (inputs.size === 0 && bytes.size === 0 && kept.length === 0) return () => noSecrets; // no value can have been made of one
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

/** The texts in a JSON value, and its numbers as text. */
function textsOf(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return typeof value === "number" ? [json] : stringsIn(value, "").map(({ text }) => text);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
