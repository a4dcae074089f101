/**
 * What plans ask of expressions: inputs are resolved, the document is put together, jq's answers are read.
 *
 * Invariant: what jq says of an error is shown as it is only where the document holds neither a secret nor an answer.
 */
import type {
  Evaluation,
  InputsEvaluation,
  ListEvaluation,
  ObjectEvaluation,
  Scope,
  ScopeEvaluation,
} from "../../core/evaluation.ts";
import { after, type Eventual } from "../../core/tools/eventual.ts";
import { parseJSON } from "../../core/tools/json.ts";
import type { EvaluationResult } from "../../core/plan.ts";
import type { Evaluator, Read, Requester } from "../../core/ports.ts";
import type { Located } from "../../core/request-template.ts";
import { documentKey, documentOf, documentText, objectText, type Answers } from "./document.ts";
import { evaluateAll, type Batch } from "./batch.ts";
import { compareBody } from "./comparison.ts";
import { factExpressions, factsOf } from "./facts.ts";
import { inputsDigest, keyedDigest } from "./inputs-digest.ts";
import { maskedValuesOf } from "./masked-values.ts";
import { bytesInBody } from "../../core/templating.ts";
import { readBytes } from "../resolve/bytes.ts";
import { maskInputs, readsElsewhere, readsSecret, resolveInputs, secretValues, type Inputs } from "../resolve/inputs.ts";
import { listItems } from "./list-items.ts";
import { outputValues } from "./outputs.ts";
import { checkReferences } from "./references.ts";
import type { Bytes } from "./sides.ts";
import { checkText } from "./not-text.ts";
import { healingRefusals, orRefusal } from "../refusal.ts";

export interface Evaluations extends Pick<Requester, "evaluate" | "evaluateOutputs"> {
  /** The values of expressions as JSON text, by the expressions' own text. Throws `RefusedError`, or rejects with one. */
  valuesOf(
    expressions: readonly Located[],
    seen: Seen,
    inputs: Inputs,
    signal: AbortSignal,
  ): Eventual<ReadonlyMap<string, string>>;
}

/** What expressions see. */
interface Seen extends Answers {
  readonly scope: Scope;
}

type Values = Extract<EvaluationResult, { type: "values" }>;

function batch(seen: Seen, inputs: Inputs, expressions: readonly Located[]): Batch {
  const { scope, response, responses } = seen;
  return {
    document: documentOf(scope, inputs, seen, expressions[0]?.text),
    expressions,
    open: !response && !responses && secretValues(inputs).length === 0,
    group: scope.metadata.namespace,
  };
}

/** Of expressions that see different documents: one evaluation for each of those. */
async function jsonOfEach(
  evaluator: Evaluator,
  { expressions, seen, inputs }: { readonly expressions: readonly Located[]; readonly seen: Seen; readonly inputs: Inputs },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const json = new Map<Located, string>();
  for (const alike of Map.groupBy(expressions, ({ text }) => documentKey(text)).values()) {
    const values = await evaluateAll(evaluator, batch(seen, inputs, alike), signal);
    for (const [index, expression] of alike.entries()) json.set(expression, values[index] ?? "null");
  }
  return expressions.map((expression) => json.get(expression) ?? "null");
}

/** `onSecretOutput`: told each value that an answer gives a Secret, and its namespace. `digestKey`: what only Holdfast knows. */
export function createEvaluations(
  evaluator: Evaluator,
  onSecretOutput?: (value: string, namespace: string) => void,
  digestKey: DigestKey = () => Promise.resolve(undefined),
): Evaluations {
  /** JSON texts in the order of the expressions: each sees the same whatever others are evaluated with it. */
  function jsonOf(expressions: readonly Located[], seen: Seen, inputs: Inputs, signal: AbortSignal): Eventual<readonly string[]> {
    const [first] = expressions;
    if (!first) return [];
    const areAlike = expressions.every(({ text }) => documentKey(text) === documentKey(first.text));
    return areAlike
      ? evaluateAll(evaluator, batch(seen, inputs, expressions), signal)
      : jsonOfEach(evaluator, { expressions, seen, inputs }, signal);
  }
  const valuesOf: Evaluations["valuesOf"] = (expressions, seen, inputs, signal) =>
    after(
      jsonOf(expressions, seen, inputs, signal),
      (json) => new Map(expressions.map(({ text }, index) => [text, json[index] ?? "null"])),
    );

  async function ofList({ scope, list }: ListEvaluation, read: Read, signal: AbortSignal): Promise<Values> {
    const inputs = await resolveInputs(scope.inputs, read);
    const listed = await healingRefusals(
      () => (readsElsewhere(scope)(list.text) ? [list] : []),
      async () => {
        checkReferences([list], scope, inputs);
        const asked = batch({ scope }, inputs, [list]);
        const [json = "null"] = await evaluateAll(evaluator, asked, signal);
        return listItems(list.field, json, asked.open);
      },
    );
    return { ...values([]), ...listed };
  }
  function ofScope(evaluation: ScopeEvaluation, read: Read, signal: AbortSignal): Eventual<Values> {
    return after(resolveInputs(evaluation.scope.inputs, read), (inputs) => withInputs(evaluation, { inputs, read, signal }));
  }
  function withInputs(evaluation: ScopeEvaluation, by: With): Eventual<Values> {
    const { scope, response, expressions, compare } = evaluation;
    const { inputs, read, signal } = by;
    return after(jsonOf([...expressions, ...factExpressions(evaluation)], evaluation, inputs, signal), (json) => {
      const found = {
        ...values(json.slice(0, expressions.length).map(parseJSON)),
        ...factsOf(evaluation, json.slice(expressions.length), readsSecret(scope, inputs)),
      };
      if (!compare || !response) return found;
      return after(readBytes(bytesInBody(compare), read), async (bytes) => ({
        ...found,
        ...(await compareBody({ ...evaluation, response }, asking({ evaluator, valuesOf }, evaluation, { ...by, bytes }))),
      }));
    });
  }
  function dispatch(evaluation: Evaluation, read: Read, signal: AbortSignal): Eventual<Values> {
    if ("object" in evaluation) return ofObject(evaluator, evaluation, signal);
    if ("inputsOf" in evaluation) return ofInputs(evaluation, read, digestKey);
    if ("list" in evaluation) return ofList(evaluation, read, signal);
    return ofScope(evaluation, read, signal);
  }

  return {
    valuesOf,
    evaluate: (evaluation, read, signal) => orRefusal(() => dispatch(evaluation, read, signal)),
    evaluateOutputs: ({ outputs, ...seen }, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(seen.scope.inputs, read);
        const expressions = outputs.flatMap(({ data }) => data);
        const json = await jsonOf(expressions, seen, inputs, signal);
        await checkText({ expressions, json, answers: seen }, async (answers) =>
          jsonOf(expressions, { scope: seen.scope, ...answers }, inputs, signal),
        );
        return outputValues(outputs, json, (value) => onSecretOutput?.(value, seen.scope.metadata.namespace));
      }),
  };
}

function values(all: readonly unknown[]): Values {
  return { type: "values", values: all };
}

async function ofObject(evaluator: Evaluator, { object, expressions }: ObjectEvaluation, signal: AbortSignal): Promise<Values> {
  const about = { document: objectText(object), expressions, open: false, group: object.metadata.namespace };
  return values((await evaluateAll(evaluator, about, signal)).map(parseJSON));
}

type DigestKey = () => Promise<Uint8Array | undefined>;

async function ofInputs({ inputsOf, bytes }: InputsEvaluation, read: Read, digestKey: DigestKey): Promise<Values> {
  const { uid } = inputsOf.metadata;
  const inputs = await resolveInputs(inputsOf.inputs, read);
  if (bytes === undefined) return values([inputsDigest(inputs, uid)]);
  const key = await digestKey();
  const content = await readBytes(bytes, read);
  return values([key ? keyedDigest(key, { uid, inputs, content }) : null]);
}

interface With {
  readonly inputs: Inputs;
  readonly read: Read;
  readonly signal: AbortSignal;
}
/** What a comparison asks of jq. */
function asking(
  { evaluator, valuesOf }: Pick<Evaluations, "valuesOf"> & { readonly evaluator: Evaluator },
  { scope }: ScopeEvaluation,
  { inputs, bytes, signal }: Omit<With, "read"> & { readonly bytes: Bytes },
): Parameters<typeof compareBody>[1] {
  const group = scope.metadata.namespace;
  return {
    bytes,
    ask: (asked, seen) => valuesOf(asked, seen, inputs, signal),
    ...(secretValues(inputs).length > 0 && {
      askMasked(asked, seen) {
        const document = documentText(scope, maskInputs(inputs), seen, asked.map(({ text }) => text).join(" "));
        return maskedValuesOf(evaluator, { document, expressions: asked, group }, signal);
      },
    }),
    over: async (document, expressions) =>
      (await evaluateAll(evaluator, { document, expressions, open: false, group }, signal)).map(parseJSON),
  };
}
