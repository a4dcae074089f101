/** The spec's requests as exchanges: what each is sent by, and what of the spec it needs. Pure. */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { Poll } from "../../api/poll.ts";
import type { Inputs, RequestShape } from "../../api/request.ts";
import type { Attempt } from "../../core/delivery.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import type { Source } from "../../core/source.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { EndpointRef } from "../request/endpoint.ts";
import { secretInputs, secretsInBody } from "../request/hidden.ts";
import { declaredOutputs, outputExpressions } from "../request/outputs.ts";
import { pollExpressions } from "../request/poll-expressions.ts";
import { buildExchange, expectedThat, type DeclaredRequest } from "../request/request.ts";
import { formerPlaces, type Context } from "./context.ts";
import { endpointFor, sharedBy } from "./endpoints.ts";
import { givenID } from "./identity.ts";
import { inputsReadBy } from "./inputs-read.ts";

export interface Asked {
  readonly field: string;
  readonly shape: RequestShape & {
    readonly expect: { readonly that?: string; readonly status: readonly string[] };
    readonly poll?: Poll;
    readonly idempotent?: boolean;
    readonly endpointRef?: EndpointRef;
  };
  /** Of what it is sent for. */
  readonly attempt?: Attempt;
  readonly response?: Response | undefined;
  /** What is seen as `.object` beside it; absent: its body is. */
  readonly object?: unknown;
  readonly mergePatch?: unknown;
  readonly same?: readonly string[] | undefined;
  readonly expressionsToValidate: readonly Located[];
}

/** One of the spec's requests as an exchange. */
export function exchangeOf(context: Context, asked: Asked): Exchange | Refusal {
  return buildExchange(declaredOf(context, asked), endpointFor(context, asked.shape));
}
/** A create sees no id but a declared one: there is none yet. */
export function declaredOf(context: Context, asked: Asked): DeclaredRequest {
  const { spec, resource, now, known } = context;
  const { field, shape, attempt, expressionsToValidate, object } = asked;
  const externalID = field === "spec.create" ? context.declaredID : context.externalID;
  const inputs = inputsReadBy(readingOf(spec, asked), spec.inputs ?? {});
  return {
    shape,
    field,
    shared: sharedBy(spec, shape, inputs),
    hidden: hiddenFrom(spec, field, inputs),
    metadata: resource.metadata,
    seesOnly: context.seesOnly,
    now: attempt?.startedAt ?? now.toISOString(),
    ...(attempt && { attemptId: attempt.id }),
    sees: {
      parameters: spec.parameters ?? null,
      externalID: externalID ?? null,
      attemptID: attempt?.id ?? null,
      ...(object !== undefined && { object }),
    },
    idempotent: shape.idempotent,
    response: asked.response,
    mergePatch: asked.mergePatch,
    same: asked.same,
    ...formerPlaces(context),
    ...(known && { known }),
    expressionsToValidate: [
      ...expectedThat(shape.expect, `${field}.expect`),
      ...pollExpressions(shape.poll, `${field}.poll`),
      ...expressionsToValidate,
      ...refusedIfOf(context, shape),
      ...(field === "spec.delete" || field === "spec.beforeDelete"
        ? []
        : outputExpressions(declaredOutputs(spec.outputs, "spec.outputs"))),
    ],
  };
}

/** What another request of the object sent, a server can tell in answer to this one. `field`: where this one is written. */
function hiddenFrom(spec: HTTPResourceSpec, field: string, read: Inputs): readonly Source[] {
  const { inputs = {} } = spec;
  // Nothing of its answer is shown then, and a look costs no reading of Secrets.
  const isShown = spec.record === "Body" || spec.values !== undefined || spec.outputs !== undefined;
  if (field === "spec.observe" && !isShown && givenID(spec) === undefined) return [];
  const unread = Object.fromEntries(Object.entries(inputs).filter(([name]) => !Object.hasOwn(read, name)));
  const bodies = bodySecrets(spec);
  return [...secretInputs(unread), ...bodies.flatMap((one) => (one.field === field ? [] : one.secrets))];
}
const bodySecrets = oncePer(
  (spec: HTTPResourceSpec): readonly { readonly field: string; readonly secrets: readonly Source[] }[] => {
    const { observe, lookup, create, update, beforeDelete, delete: remove } = spec;
    return Object.entries({ observe, lookup, create, update, beforeDelete, delete: remove })
      .map(([verb, shape]) => ({ field: `spec.${verb}`, secrets: secretsInBody(shape ?? {}, `spec.${verb}`) }))
      .filter(({ secrets }) => secrets.length > 0);
  },
);

/** What tells that an answer says that nothing was done: the spec's, or the endpoint's. */
export function refusedIfOf(
  { spec, endpoints }: Pick<Context, "spec" | "endpoints">,
  shape: { readonly endpointRef?: EndpointRef },
): readonly Located[] {
  const endpoint = endpointFor({ spec, endpoints }, shape);
  if (spec.refusedIf !== undefined) return [{ field: "spec.refusedIf", text: spec.refusedIf }];
  const text = endpoint?.spec.refusedIf;
  return text === undefined ? [] : [{ field: `HTTPEndpoint "${endpoint?.metadata.name}": spec.refusedIf`, text }];
}

/** What of a spec has a part in a request, or in what is made of its answer. */
function readingOf(spec: HTTPResourceSpec, { field, shape, expressionsToValidate }: Asked): object {
  const { observe, update, upToDate, mine, exists, externalID, outputs, compare, refusedIf } = spec;
  const own = { shape, expressionsToValidate, refusedIf };
  // What only its answer makes, such as a token, is not there before.
  if (field === "spec.create") return { ...own, externalID, outputs, object: observe?.object };
  if (field === "spec.delete" || field === "spec.beforeDelete") return own;
  return { ...own, update, upToDate, mine, exists, externalID, outputs, compare };
}
