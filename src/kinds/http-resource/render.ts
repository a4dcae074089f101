/** Every request that an HTTPResource declares, for people to read: nothing of it is sent. */
import { newAttempt } from "../../core/delivery.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { dependencyExpressions } from "../request/dependencies.ts";
import { needsExternalID, readsAny, verbDigest } from "./context.ts";
import { contextOf } from "./read-context.ts";
import { declaredOf, exchangeOf, type Asked } from "./exchange.ts";
import { lookupExpressions } from "./lookup.ts";
import { declaredPoll, type DeclaredPoll } from "../request/poll.ts";
import { valueExpressions } from "./values.ts";
import { endpointFor, endpointRefs } from "./endpoints.ts";
import { endpointKey, type EndpointRef } from "../request/endpoint.ts";
import { locate } from "./observation.ts";
import type { HTTPResource, UsedEndpoint } from "../types.ts";

/** Stands for an id that is not known: what is sent has the id in its place. */
const anyID = "(externalID)";
/** Stands for the id of an attempt that depends on what was sent before. */
const anyAttempt = "(attempt id)";

const verbs = ["lookup", "observe", "create", "update", "beforeDelete", "delete"] as const;
type Verb = (typeof verbs)[number];
interface DeclaredVerb {
  readonly verb: Verb;
  /** For people. */
  readonly note?: string;
  /** How it is written. */
  readonly declared: object;
  /** Absent: it is made from what was observed. */
  readonly exchange?: Exchange | Refusal;
  /** Whether an expression sees a stand-in for the id, with which it may not work. */
  readonly guesses: boolean;
  readonly poll?: DeclaredPoll;
}

/** By verb. */
export function* declaredVerbs(
  resource: HTTPResource,
  about: {
    readonly endpointOf: (ref: EndpointRef) => UsedEndpoint | undefined;
    readonly known: ReadonlyMap<string, unknown>;
    readonly now: Date;
  },
): Generator<DeclaredVerb> {
  const { endpointOf, known, now } = about;
  const found = endpointRefs(resource.spec).map((ref) => [endpointKey(ref), endpointOf(ref)] as const);
  const endpoints = new Map(found.flatMap(([key, endpoint]) => (endpoint ? [[key, endpoint] as const] : [])));
  const context = { ...contextOf({ resource, references: [], now, instanceId: "" }), endpoints };
  const { spec, externalID = anyID } = context;
  const first = newAttempt({ completedRuns: 0 }, { uid: resource.metadata.uid, digest: verbDigest(context, "Create") }, now);
  const later = { ...first, id: anyAttempt };
  const attempts = { create: first, update: later, beforeDelete: later, delete: later };
  const { lookup, observe, create, update } = spec;
  const { mergePatch, ...body } = update?.body ?? {};
  const hasBody = Object.keys(body).length > 0;
  const shapes = {
    lookup,
    observe,
    create,
    update: update && { ...update, method: update.method ?? (mergePatch === undefined ? "PUT" : "PATCH") },
    beforeDelete: spec.beforeDelete,
    delete: spec.delete,
  };
  let others = dependencyExpressions(spec);
  for (const verb of verbs) {
    const shape = shapes[verb];
    if (!shape) continue;
    const { body: content, expect, poll, ...rest }: Shape = shape;
    const field = `spec.${verb}`;
    const declared = { ...rest, ...(content && { body: content }) };
    const own = verb === "update" ? (hasBody ? body : undefined) : content;
    const isPatch = verb === "update" && mergePatch !== undefined;
    const attempt = verb === "lookup" || verb === "observe" ? {} : { attempt: attempts[verb] };
    const asked: Asked = {
      field,
      shape: { ...rest, expect, ...(own && { body: own }), ...(poll && { poll }) },
      expressionsToValidate: [...others, ...answerExpressions(resource, verb)],
      ...attempt,
      ...(isPatch && { mergePatch }),
    };
    others = [];
    const seen = { ...context, externalID, known };
    yield {
      verb,
      ...(isPatch && { note: "of which only what differs is sent" }),
      declared,
      guesses: context.externalID === undefined && needsExternalID(shape),
      ...(poll && {
        poll: declaredPoll(
          poll,
          declaredOf(seen, { field, shape: asked.shape, ...attempt, expressionsToValidate: [] }),
          endpointFor(context, shape),
          `${field}.poll`,
        ),
      }),
      ...(!(verb === "update" && readsAny(declared, ["response", "object"])) && { exchange: exchangeOf(seen, asked) }),
    };
  }
}
type Shape = Asked["shape"] & { readonly body?: unknown };

/** What is evaluated on the answer, apart from `expect` and `outputs`. */
function answerExpressions(resource: Pick<HTTPResource, "spec" | "metadata">, verb: Verb): readonly Located[] {
  const { exists, upToDate, externalID, mine, observe, create, lookup } = resource.spec;
  const takesID = create ? "create" : "observe";
  return [
    ...(verb === "lookup" && lookup ? lookupExpressions(lookup) : []),
    ...(verb === "observe"
      ? [
          ...locate("spec.exists", exists),
          ...locate("spec.observe.object", observe?.object),
          ...locate("spec.mine", mine),
          ...locate("spec.upToDate", upToDate),
        ]
      : []),
    ...(verb === (observe ? "observe" : "lookup") ? valueExpressions({ spec: resource.spec, resource }) : []),
    ...(verb === takesID ? locate("spec.externalID", externalID) : []),
  ];
}
