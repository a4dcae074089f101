/** Which inputs some of a spec's requests and expressions can see. Pure. */
import type { Inputs } from "../../api/request.ts";
import { mayRead, readsInput } from "../../core/expression-reads.ts";
import { expressionsOfText, stringsIn } from "../../core/templating.ts";

/** Those that `asking` reads; all, where that cannot be told. */
export function inputsReadBy(asking: unknown, inputs: Inputs): Inputs {
  const expressions = stringsIn(asking, "")
    .filter(({ text }) => text.includes("inputs"))
    .flatMap(({ text }) => (text.includes("${") ? expressionsOfText(text) : [text]));
  return Object.fromEntries(
    Object.entries(inputs).filter(([name]) =>
      expressions.some((expression) => mayRead(expression, (path) => readsInput(path, new Set([name])))),
    ),
  );
}
