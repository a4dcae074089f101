/**
 * What an HTTPResource takes of others.
 *
 * Invariant: what was taken once is enough to look after the object and to delete it, whatever becomes of the others.
 */
import type { Inputs } from "../../api/request.ts";
import type { Refusal } from "../../core/outcome.ts";
import { ownField } from "../request/dependencies.ts";
import type { Context } from "./context.ts";

/** A status has room for so much of them, as JSON. */
const longestValue = 1024;
const longestInAll = 4096;

/** To be kept; undefined: nothing is taken of others. */
export function takenValues(
  { spec }: Context,
  known: ReadonlyMap<string, unknown>,
): Readonly<Record<string, unknown>> | undefined {
  const entries = Object.entries(spec.inputs ?? {}).flatMap(([name, { objectRef }]): [string, unknown][] =>
    objectRef && known.has(name) ? [[name, known.get(name)]] : [],
  );
  let left = longestInAll;
  const kept = entries.filter(([name, value]) => {
    const length = name.length + (JSON.stringify(value) ?? "").length;
    if (length > longestValue || length > left) return false;
    left -= length;
    return true;
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Of these inputs the values that were taken before. */
export function keptInputs({ status }: Context, inputs: Inputs): ReadonlyMap<string, unknown> {
  const kept = (status.inputs ?? {}) as Readonly<Record<string, unknown>>;
  return new Map(
    Object.entries(inputs).flatMap(([name, { objectRef }]): [string, unknown][] =>
      objectRef && Object.hasOwn(kept, name) ? [[name, kept[name]]] : [],
    ),
  );
}

/** Others that are not Ready hold up only the first request: with what was taken of them, what was made is looked after. */
export function keptValues(context: Context, { reason }: Refusal): ReadonlyMap<string, unknown> | undefined {
  const { spec, remote, resource, status } = context;
  const isChanged = status.observedGeneration !== resource.metadata.generation;
  if (reason !== "DependencyNotReady" || remote.made !== "made" || isChanged) return undefined;
  const inputs = spec.inputs ?? {};
  const kept = keptInputs(context, inputs);
  const own = Object.entries(inputs).flatMap(([name, { fieldRef }]): [string, unknown][] => {
    const value = fieldRef && ownField(fieldRef, resource.metadata);
    return value === undefined ? [] : [[name, value]];
  });
  const values = new Map([...kept, ...own]);
  const isWhole = Object.entries(inputs).every(
    ([name, { objectRef, fieldRef }]) => (!objectRef && !fieldRef) || values.has(name),
  );
  return isWhole ? values : undefined;
}
