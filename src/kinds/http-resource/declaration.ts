/** What an HTTPResource declares, as far as it matters to core/remote-object. Pure. */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import { isExpectedStatus } from "../../core/expectation.ts";
import type { Declaration } from "../../core/remote-object.ts";
import type { Context } from "./context.ts";
import { isAsMade } from "./contested.ts";
import { isRepeatable } from "./delivered.ts";

/** `differing`: the places at which what was observed is not as declared. */
export function declarationOf(context: Context, differing: readonly string[] = []): Declaration {
  const { spec, asked, declaredID } = context;
  const { create, update, replace = [], drift } = spec;
  const mayChange = drift === "Correct" || !spec.observe;
  return {
    creates: create !== undefined,
    updates: update !== undefined && mayChange,
    replaces: create !== undefined && spec.delete !== undefined && mayChange,
    ...(declaredID !== undefined && { id: declaredID }),
    movesByReplacing: replace.includes("Moved"),
    isImmutable: !isAsMade(context, differing) && differing.some((path) => replace.some((place) => isWithin(path, place))),
    createIsRepeatable: create !== undefined && isRepeatable(context, create),
    asked: asked !== undefined,
  };
}
/** Whether a difference is at a place that was named, or below. An empty index stands for any. */
function isWithin(path: string, place: string): boolean {
  const general = (text: string): string => text.replaceAll(/\[\d+\]/g, "[]");
  const [is, named] = /\[\d+\]/.test(place) ? [path, place] : [general(path), place];
  return is === named || (is.startsWith(named) && /^[.[]/.test(is.slice(named.length)));
}
/** Whether an answer to update says that the object has to be made anew. */
export function isImmutableStatus({ replace = [] }: Pick<HTTPResourceSpec, "replace">, statusCode: number): boolean {
  const statuses = replace.filter((what) => /^\d/.test(what));
  return statuses.length > 0 && isExpectedStatus(statuses, statusCode);
}
