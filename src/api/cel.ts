/**
 * The CEL rules of a schema (`x-kubernetes-validations`), compiled once.
 *
 * A rule sees what the API server shows it: integers as BigInt, objects and maps as Map, and no free-form field at all.
 * https://kubernetes.io/docs/reference/using-api/cel/
 */
import { Environment } from "@marcbachmann/cel-js";
import type { Rule } from "./schema.ts";

/** A value as a rule sees it. A Map, unlike an object, has no property that its keys could be taken for. */
export type CelValue = string | boolean | bigint | null | readonly CelValue[] | ReadonlyMap<string, CelValue>;

interface CompiledRule {
  readonly message: string;
  /** Where the message belongs, below `self`. */
  readonly at: readonly string[];
  /** `failed`: it could not be evaluated, which on the API server counts as not holding. */
  check(self: CelValue): "holds" | "broken" | "failed";
}

const environment = new Environment()
  .registerVariable("self", "dyn")
  // One of Kubernetes' own (https://kubernetes.io/docs/reference/using-api/cel/), which the library lacks.
  .registerFunction("string.replace(string, string): string", (text: string, what: string, by: string) =>
    text.replaceAll(what, () => by),
  );

/** Throws for a rule that does not compile: that is a mistake in a schema, never in what users write. */
export function compileRule({ rule, message, fieldPath }: Rule): CompiledRule {
  // A field's name that is a word of CEL, which Kubernetes escapes so.
  const evaluate = environment.parse(rule.replaceAll(/\.__(in)__/g, "['$1']"));
  return {
    message,
    at: fieldPath?.split(".").filter(Boolean) ?? [],
    check(self) {
      try {
        return evaluate({ self }) === true ? "holds" : "broken";
      } catch {
        // The error quotes the value, which may be a secret: only that there was one is passed on.
        return "failed";
      }
    },
  };
}
