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
import { parseJSON } from "../../core/tools/json.ts";
import type { EvaluationResult } from "../../core/plan.ts";
import type { Evaluator, Read, Requester } from "../../core/ports.ts";
import type { Located } from "../../core/request-template.ts";
import { documentKey, documentText, objectText, type Answers } from "./document.ts";
import { evaluateAll, type Batch } from "./batch.ts";
import { compareBody } from "./comparison.ts";
import { inputsDigest } from "./inputs-digest.ts";
import { readsElsewhere, resolveInputs, secretValues, type Inputs } from "../resolve/inputs.ts";
import { listItems } from "./list-items.ts";
import { outputValues } from "./outputs.ts";
import { checkText } from "./not-text.ts";
import { healingRefusals, orRefusal } from "../refusal.ts";

export interface Evaluations extends Pick<Requester, "evaluate" | "evaluateOutputs"> {
  /** The values of expressions as JSON text, by the expressions' own text. Throws `RefusedError`. */
  valuesOf(
    expressions: readonly Located[],
    seen: Seen,
    inputs: Inputs,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>;
}

/** What expressions see. */
interface Seen extends Answers {
  readonly scope: Scope;
}

type Values = Extract<EvaluationResult, { type: "values" }>;

/** `onSecretOutput`: told each value that an answer gives a Secret, and its namespace. */
export function createEvaluations(
  evaluator: Evaluator,
  onSecretOutput?: (value: string, namespace: string) => void,
): Evaluations {
  function batch(seen: Seen, inputs: Inputs, expressions: readonly Located[]): Batch {
    const { scope, response, responses } = seen;
    return {
      document: documentText(scope, inputs, seen, expressions[0]?.text),
      expressions,
      open: !response && !responses && secretValues(inputs).length === 0,
      group: scope.metadata.namespace,
    };
  }
  /** JSON texts in the order of the expressions: each sees the same whatever others are evaluated with it. */
  async function jsonOf(
    expressions: readonly Located[],
    seen: Seen,
    inputs: Inputs,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const json = new Map<Located, string>();
    for (const alike of Map.groupBy(expressions, ({ text }) => documentKey(text)).values()) {
      const values = await evaluateAll(evaluator, batch(seen, inputs, alike), signal);
      for (const [index, expression] of alike.entries()) json.set(expression, values[index] ?? "null");
    }
    return expressions.map((expression) => json.get(expression) ?? "null");
  }
  const valuesOf: Evaluations["valuesOf"] = async (expressions, seen, inputs, signal) => {
    const json = await jsonOf(expressions, seen, inputs, signal);
    return new Map(expressions.map(({ text }, index) => [text, json[index] ?? "null"]));
  };

  async function ofObject({ object, expressions }: ObjectEvaluation, signal: AbortSignal): Promise<Values> {
    const about = { document: objectText(object), expressions, open: false, group: object.metadata.namespace };
    return values((await evaluateAll(evaluator, about, signal)).map(parseJSON));
  }
  async function ofInputs({ inputsOf: { inputs, metadata } }: InputsEvaluation, read: Read): Promise<Values> {
    return values([inputsDigest(await resolveInputs(inputs, read), metadata.uid)]);
  }
  async function ofList({ scope, list }: ListEvaluation, read: Read, signal: AbortSignal): Promise<Values> {
    const inputs = await resolveInputs(scope.inputs, read);
    const listed = await healingRefusals(
      () => (readsElsewhere(scope)(list.text) ? [list] : []),
      async () => {
        const asked = batch({ scope }, inputs, [list]);
        const [json = "null"] = await evaluateAll(evaluator, asked, signal);
        return listItems(list.field, json, asked.open);
      },
    );
    return { ...values([]), ...listed };
  }
  async function ofScope(evaluation: ScopeEvaluation, read: Read, signal: AbortSignal): Promise<Values> {
    const { scope, response, expressions, compare } = evaluation;
    const inputs = await resolveInputs(scope.inputs, read);
    const json = await jsonOf(expressions, evaluation, inputs, signal);
    const found = values(json.map(parseJSON));
    if (!compare || !response) return found;
    const ask = (asked: readonly Located[], seen: Seen): Promise<ReadonlyMap<string, string>> =>
      valuesOf(asked, seen, inputs, signal);
    return { ...found, ...(await compareBody({ ...evaluation, response }, ask)) };
  }
  function evaluated(evaluation: Evaluation, read: Read, signal: AbortSignal): Promise<Values> {
    if ("object" in evaluation) return ofObject(evaluation, signal);
    if ("inputsOf" in evaluation) return ofInputs(evaluation, read);
    if ("list" in evaluation) return ofList(evaluation, read, signal);
    return ofScope(evaluation, read, signal);
  }

  return {
    valuesOf,
    evaluate: (evaluation, read, signal) => orRefusal(() => evaluated(evaluation, read, signal)),
    evaluateOutputs: ({ outputs, ...seen }, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(seen.scope.inputs, read);
        const expressions = outputs.flatMap(({ data }) => data);
        const json = await jsonOf(expressions, seen, inputs, signal);
        await checkText({ expressions, json, answers: seen }, (answers) =>
          jsonOf(expressions, { scope: seen.scope, ...answers }, inputs, signal),
        );
        return outputValues(outputs, json, (value) => onSecretOutput?.(value, seen.scope.metadata.namespace));
      }),
  };
}

function values(all: readonly unknown[]): Values {
  return { type: "values", values: all };
}
