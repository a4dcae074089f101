/** Which inputs some of a spec's requests and expressions can see. Pure. */
import type { Inputs } from "../../api/request.ts";
import { stringsIn } from "../../core/templating.ts";

/** Those that `asking` reads; all, where that cannot be told. */
export function inputsReadBy(asking: unknown, inputs: Inputs): Inputs {
  const texts = stringsIn(asking, "").map(({ text }) => text);
  if (texts.some((text) => /\binputs\b(?!\.[A-Za-z_])/.test(text) || /\$__loc__|\binput\b/.test(text))) return inputs;
  const names = new Set(
    texts.flatMap((text) => [...text.matchAll(/\.inputs\.([A-Za-z_][A-Za-z0-9_-]*)/g)].map(([, name = ""]) => name)),
  );
  // A name with a dash is written in quotes, or is a subtraction: then both may be meant.
  return Object.fromEntries(
    Object.entries(inputs).filter(([name]) => [...names].some((read) => read === name || read.startsWith(`${name}-`))),
  );
}
