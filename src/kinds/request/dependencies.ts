/**
 * What a resource takes from others and from itself before anything is sent: `dependsOn` and the inputs `fieldRef` and `objectRef`.
 *
 * Invariant: it yields values only where all that is waited for is so. What it reads of others is what their status shows.
 */
import type { DependsOn, FieldRef, ObjectRef } from "../../api/dependencies.ts";
import { group, version } from "../../api/kind-definition.ts";
import type { Inputs } from "../../api/request.ts";
import { isReady, type Condition } from "../../core/conditions.ts";
import { areFew, readsOf, readsOfBoth, type Reads } from "../../core/expression-reads.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Located } from "../../core/request-template.ts";
import { evaluate, type Dependency, type Situation, type Steps } from "../../core/plan.ts";
import type { Metadata, Resource } from "../../core/resource.ts";
import { shardText } from "./endpoint.ts";

type Depending = Resource<{ readonly inputs?: Inputs; readonly dependsOn?: DependsOn }>;

/** Of inputs by their names: those that are known without reading a Secret or ConfigMap. */
interface Known {
  readonly type: "known";
  readonly values: ReadonlyMap<string, unknown>;
}

export const plurals = { HTTPRequest: "httprequests", HTTPResource: "httpresources" } as const;

/** The objects that it waits for, each once. */
export function dependenciesOf({ spec: { inputs = {}, dependsOn = [] }, metadata: { namespace } }: Depending): Dependency[] {
  const named = [
    ...dependsOn.map(({ that, ...one }) => ({ ...one, expression: that })),
    ...Object.values(inputs).flatMap(({ objectRef }) => objectRef ?? []),
  ];
  const texts = named.flatMap(({ expression }) => expression ?? []);
  const read = areFew(texts) ? readsOf : (): Reads => "everything"; // it will be refused
  return [...Map.groupBy(named, ({ kind, name }) => `${kind}/${name}`).values()].flatMap((alike) => {
    const [first] = alike;
    if (!first) return [];
    const { kind, name } = first;
    const reads = alike.flatMap(({ expression }) => (expression === undefined ? [] : [read(expression)]));
    return {
      type: { group, version, kind, plural: plurals[kind] },
      key: { namespace, name },
      onStatus: reads.reduce(readsOfBoth, new Set()),
    };
  });
}

/** What is evaluated on the objects that it waits for. */
export function dependencyExpressions({ inputs = {}, dependsOn = [] }: Depending["spec"]): Located[] {
  return [
    ...dependsOn.flatMap(({ that }, index) =>
      that === undefined ? [] : [{ field: `spec.dependsOn[${index}].that`, text: that }],
    ),
    ...Object.entries(inputs).flatMap(([name, { objectRef }]) =>
      objectRef ? [{ field: `spec.inputs.${name}.objectRef.expression`, text: objectRef.expression }] : [],
    ),
  ];
}

/** `references`: what the kind's own `references` gives, whose objects the situation has in that order. */
export function* resolveDependencies(situation: Situation<Depending>, references: readonly Dependency[]): Steps<Known | Refusal> {
  const { resource, cycle, seesOnly } = situation;
  if (cycle) return refusal("DependencyCycle", `spec.dependsOn goes round in a circle: ${cycle.join(" -> ")}`, false);
  const { inputs = {}, dependsOn = [] } = resource.spec;
  const find = ({ kind, name }: Pick<ObjectRef, "kind" | "name">): Resource | undefined =>
    situation.references[references.findIndex(({ type, key }) => type.kind === kind && key.name === name)];

  const questions: { readonly object: Resource; readonly expression: Located; readonly answer: ReadinessTest }[] = [];
  for (const [index, { kind, name, that }] of dependsOn.entries()) {
    const field = `spec.dependsOn[${index}]`;
    const object = find({ kind, name });
    const refused = notThere(field, { kind, name, seesOnly }, object, that === undefined);
    if (refused) return refused;
    if (object && that !== undefined) {
      const unmet = `${field}.that does not hold for ${kind} "${name}" yet`;
      questions.push({ object, expression: { field: `${field}.that`, text: that }, answer: (value) => value === true || unmet });
    }
  }
  const values = new Map<string, unknown>();
  for (const [input, { fieldRef, objectRef }] of Object.entries(inputs)) {
    const field = `spec.inputs.${input}`;
    if (fieldRef) {
      const value = ownField(fieldRef, resource.metadata);
      if (value === undefined) return refusal("KeyNotFound", `${field}: the object has no ${fieldRef.fieldPath}`, true);
      values.set(input, value);
    }
    if (!objectRef) continue;
    const object = find(objectRef);
    const refused = notThere(field, { ...objectRef, seesOnly }, object, true);
    if (refused || !object) return refused as Refusal;
    const { kind, name, expression } = objectRef;
    const answer: ReadinessTest = (value) => {
      values.set(input, value);
      return value !== null || `${field}: the expression yields null for ${kind} "${name}"`;
    };
    questions.push({ object, expression: { field: `${field}.objectRef.expression`, text: expression }, answer });
  }
  for (const [object, asked] of Map.groupBy(questions, (question) => question.object)) {
    const result = yield* evaluate({ object, expressions: asked.map(({ expression }) => expression) });
    if (result.type === "refusal") return { ...result, heals: result.reason !== "InvalidExpression" }; // the object can change
    for (const [index, { answer }] of asked.entries()) {
      const met = answer(result.values[index]);
      if (met !== true) return refusal("DependencyNotReady", met || "", true);
    }
  }
  return { type: "known", values };
}

/** Takes a value; true, or what is wrong with it. */
type ReadinessTest = (value: unknown) => true | string;

function notThere(
  field: string,
  { kind, name, seesOnly }: Pick<ObjectRef, "kind" | "name"> & { readonly seesOnly: string | undefined },
  object: Resource | undefined,
  mustBeReady: boolean,
): Refusal | undefined {
  if (!object) {
    const where = `in this namespace${shardText(seesOnly)}`;
    return refusal("DependencyNotReady", `${field}: there is no ${kind} "${name}" ${where}`, true);
  }
  if (mustBeReady && !isReadyAsDeclared(object))
    return refusal("DependencyNotReady", `${field}: ${kind} "${name}" is not Ready`, true);
  return undefined;
}

/** Ready, as its spec stands now. */
function isReadyAsDeclared({ metadata, status }: Resource): boolean {
  const { observedGeneration, conditions } = (status ?? {}) as {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
  return metadata.deletionTimestamp === undefined && observedGeneration === metadata.generation && isReady(conditions);
}

/** The value of a path that the schema's pattern allows; `undefined` where there is no such label or annotation. */
export function ownField({ fieldPath }: FieldRef, metadata: Metadata): string | undefined {
  const [, field = "", key] = /^metadata\.([a-z]+)(?:\['(.*)'\])?$/.exec(fieldPath) ?? [];
  const { name, namespace, uid, labels = {}, annotations = {} } = metadata;
  if (key === undefined) return { name, namespace, uid }[field];
  const entries = field === "labels" ? labels : annotations;
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function refusal(reason: Refusal["reason"], message: string, heals: boolean): Refusal {
  return { type: "refusal", reason, message, heals };
}
