/** What of its document a jq expression reads, told from its text. Invariant: what is not known for certain counts as read. */
import { costOf, pathsReadBy } from "./jq/paths.ts";
import { oncePerText } from "./tools/once-per.ts";

/**
 * Paths from the top by their first two keys, `inputs.token`, `metadata.labels` or `now`, and by three below `status`
 * (`status.values.host`); everything, where it cannot be told.
 */
export type Reads = ReadonlySet<string> | "everything";

export const readsOf = oncePerText(findReads, { longest: Infinity, costOf: (_reads, expression) => costOf(expression) });
function findReads(expression: string): Reads {
  const paths = pathsReadBy(expression);
  if (!paths) return "everything";
  const reads = new Set<string>();
  for (const { steps } of paths) {
    const [top, ...below] = steps;
    if (typeof top !== "string") return "everything";
    const keys = [top];
    for (const key of below.slice(0, top === "status" ? 2 : 1)) {
      if (typeof key !== "string" || (keys.length > 1 && key.includes("."))) break;
      keys.push(key);
    }
    reads.add(keys.join("."));
  }
  return reads;
}

/** Of all the expressions of one object together: characters and steps, which `costOf` tells. */
export const mostRead = 65_536;
/** Whether it is not too much to look at all of them. No more are looked at than may be there. */
export function areFew(expressions: Iterable<string>): boolean {
  let left = mostRead;
  for (const expression of new Set(expressions)) {
    left -= costOf(expression);
    if (left < 0) return false;
  }
  return true;
}

export function readsOfBoth(a: Reads, b: Reads): Reads {
  return a === "everything" || b === "everything" ? "everything" : a.union(b);
}

/** Whether it reads, or may read, what is below one of these names: such as `inputs` or `inputs.token`. */
export function mayRead(expression: string, isMeant: (path: string) => boolean): boolean {
  const reads = readsOf(expression);
  return reads === "everything" || [...reads].some(isMeant);
}

/** Whether a path is to one of these inputs, or to all inputs at once. */
export function readsInput(path: string, names: ReadonlySet<string>): boolean {
  return names.size > 0 && (path === "inputs" || (path.startsWith("inputs.") && names.has(path.slice("inputs.".length))));
}
