/** What an HTTPResource declares, as far as it matters to core/remote-object. Pure. */
import type { HTTPResourceSpec } from "../../api/http-resource.ts";
import type { Difference } from "../../core/difference.ts";
import { isExpectedStatus } from "../../core/expectation.ts";
import type { Declaration } from "../../core/remote-object.ts";
import type { Context } from "./context.ts";
import { isAsMade, replacementDigest } from "./contested.ts";
import { isRepeatable } from "./delivered.ts";

/** `differing`: where what was observed is not as declared. */
export function declarationOf(context: Context, differing: readonly Difference[] = []): Declaration {
  const { spec, asked, declaredID } = context;
  const { create, update, replace = [], drift } = spec;
  const immutable = immutableOf(context, differing);
  const mayChange = drift === "Correct" || !spec.observe;
  return {
    creates: create !== undefined,
    updates: update !== undefined && mayChange,
    replaces: create !== undefined && spec.delete !== undefined && mayChange,
    ...(declaredID !== undefined && { id: declaredID }),
    movesByReplacing: replace.includes("Moved"),
    isImmutable: immutable.length > 0 && context.status.replacedFor !== replacementDigest(context, immutable),
    createIsRepeatable: create !== undefined && isRepeatable(context, create),
    asked: asked !== undefined,
  };
}
/** Of what differs, what is at a place that cannot be changed, and is not so by the server's doing. */
export function immutableOf(context: Context, differing: readonly Difference[]): readonly Difference[] {
  const { replace = [] } = context.spec;
  return differing.filter((one) => replace.some((place) => isWithin(one.path, place)) && !isAsMade(context, one));
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
