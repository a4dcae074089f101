/**
 * Everything of an exchange up to its credential: read, evaluated, rendered and checked.
 *
 * Invariant: whatever can be found wrong is found here, as a refusal that names the field, and before a byte leaves.
 */
import type { Exchange } from "../core/exchange.ts";
import type { Scope } from "../core/evaluation.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { leastTelling } from "../core/mask-secrets.ts";
import type { Evaluator, Read } from "../core/ports.ts";
import { keyText } from "../core/resource.ts";
import { bytesInBody, expressionsOfText, stringsIn, templatesOf } from "../core/templating.ts";
import type { AuthSettings } from "./resolve/auth.ts";
import type { SignSettings } from "./resolve/sign.ts";
import { readBytes, secretTexts } from "./resolve/bytes.ts";
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
import { healingRefusals, RefusedError } from "./refusal.ts";
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
export type Ready = Omit<Sending, "mayStart" | "credential" | "lane"> & {
  readonly auth?: AuthSettings;
  readonly sign?: SignSettings;
};
/** Throws `RefusedError`. */
export type Prepare = (exchange: Exchange, inputs: Inputs, read: Read, signal: AbortSignal) => Promise<Ready>;

export function createPrepare(deps: PrepareDeps): Prepare {
  const { clients, evaluator, evaluations, egress, emit, userAgent, isolated } = deps;

  function admit(
    { request, settings }: Pick<Hop, "request" | "settings">,
    metadata: Scope["metadata"],
    { server }: Place,
  ): ClientSettings {
    try {
      return egress.admit(request, settings, metadata.namespace);
    } catch (error) {
      const denial = denialIn(error);
      throw denial ? new RefusedError(egressRefusal(denial, { metadata, server }, emit)) : error;
    }
  }

  return async (exchange, inputs, read, signal) => {
    const { request, scope, timeoutMs, maxRedirects, repeatable } = exchange;
    const own = { timeoutMs, ...isolated(scope.metadata.namespace) };
    const connecting = await hideAdminDetails(exchange, () => resolveConnection(exchange, own, read));
    if (exchange.expressionsToValidate.length > 0)
      await compileAll(evaluator, { expressions: exchange.expressionsToValidate, group: scope.metadata.namespace }, signal);
    const bytes = await readBytes(bytesInBody(request.body), read);
    let values: ReadonlyMap<string, string> = new Map();
    let origin = "";
    const first = await healingRefusals(
      () => templatesOf(request).filter(({ text }) => expressionsOfText(text).some(readsElsewhere(scope))),
      async () => {
        const expressions = expressionsOf(request);
        checkReferences(expressions, scope, inputs);
        values = await evaluations.valuesOf(expressions, exchange, inputs, signal);
        const valueOf = (expression: string): string => values.get(expression) ?? "null";
        const wire = renderRequest(request, { valueOf, bytes, seen: exchange }, userAgent);
        ({ origin } = wire);
        return resolveLocation({ request: wire, settings: connecting.settings, repeatable, trusted: true }, request, valueOf);
      },
    );
    const mayBeSecret = readsSecret(scope, inputs);
    const place = placeOf(exchange, origin, mayBeSecret);
    const isElsewhere = first.request.origin !== origin;
    const settings = admit(first, scope.metadata, isElsewhere ? anywhere : place);
    if (!clients.has(settings)) await hideAdminDetails(exchange, async () => checkTls(settings.tls, exchange.tls));
    const derived = [...values].filter(([expression]) => mayBeSecret(expression)).map(([, json]) => json);
    const secrets = once(() => ({
      kept: [...secretValues(inputs), ...secretTexts(bytes), ...connecting.secrets],
      derived: [...new Set(derived.flatMap(textsOf))].filter(({ length }) => length >= leastTelling),
    }));
    return {
      ...(connecting.auth && { auth: connecting.auth }),
      ...(connecting.sign && { sign: connecting.sign }),
      first: { ...first, settings },
      template: request,
      maxRedirects,
      secrets,
      place: isElsewhere ? { ...anywhere, tls: place.tls, proxy: place.proxy } : place,
      metadata: scope.metadata,
      ...(exchange.endpoint && { endpoint: keyText(exchange.endpoint.key) }),
      ...(exchange.freshAfterMs !== undefined && { freshAfterMs: exchange.freshAfterMs }),
    };
  };
}

/** The texts in a JSON value, and its numbers as text. */
function textsOf(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return typeof value === "number" ? [json] : stringsIn(value, "").map(({ text }) => text);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
