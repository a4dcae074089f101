/** Which inputs some of a spec's requests and expressions can see. Pure. */
import type { Inputs } from "../../api/request.ts";
import { areFew, mayRead, readsInput } from "../../core/expression-reads.ts";
import { expressionsOfText, stringsIn } from "../../core/templating.ts";
import { oncePer } from "../../core/tools/once-per.ts";

/** What of it may speak of inputs. A part of a spec is looked through once. */
const within = oncePer((part: object): readonly string[] => [
  ...new Set(stringsIn(part, "").flatMap(({ text }) => speaking(text))),
]);
function speaking(text: unknown): readonly string[] {
  if (typeof text !== "string" || !text.includes("inputs")) return [];
  return text.includes("${") ? expressionsOfText(text) : [text];
}

/** Those that `asking` reads; all, where that cannot be told. */
export function inputsReadBy(asking: string | object, inputs: Inputs): Inputs {
  if (Object.keys(inputs).length === 0) return inputs;
  const parts: readonly unknown[] = typeof asking === "string" ? [asking] : Object.values(asking);
  const expressions = new Set(
    parts.flatMap((part) => (typeof part === "object" && part !== null ? within(part) : speaking(part))),
  );
  if (!areFew(expressions)) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).filter(([name]) =>
      [...expressions].some((expression) => mayRead(expression, (path) => readsInput(path, new Set([name])))),
    ),
  );
}
