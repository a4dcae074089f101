/**
 * The store as shadows see it: what one makes of an answer is written where the object that it stands for says. For everybody else
 * it is the store as it is.
 */
import type { Answered, OutputData, OutputObject, OutputStore, Owner } from "../core/output.ts";
import type { ResourceStore } from "../core/ports.ts";
import { redact, type Redacted } from "../core/redacted.ts";
import { isMadeKey, takeMade } from "../convert/made-metadata.ts";
import { isShadow, type Injected, type Registry } from "./registry.ts";
import { bodyWithPlaceholders, type InjectedValue } from "./injected-body.ts";
import type { ShownAnswers } from "./shown-answers.ts";

export interface InjectionStore {
  /** As `OutputStore.checkOutput`. */
  check(object: OutputObject, injection: Injected, signal: AbortSignal): ReturnType<OutputStore["checkOutput"]>;
  /** As `OutputStore.writeOutput`. */
  write(
    object: OutputObject,
    injection: Injected,
    data: Redacted<OutputData>,
    signal: AbortSignal,
    mayWrite: () => boolean,
  ): ReturnType<OutputStore["writeOutput"]>;
}

export function createServedStore(
  store: ResourceStore,
  registry: Pick<Registry, "find">,
  { injections, answers }: { readonly injections: InjectionStore; readonly answers: Pick<ShownAnswers, "keep"> },
): ResourceStore {
  function injectionOf({ type, metadata }: Owner, { name }: OutputObject): Injected | undefined {
    return registry.find(type.kind, metadata)?.writes.get(name);
  }
  return {
    ...store,
    async checkOutput(owner, object, signal) {
      if (!isShadow(owner)) return store.checkOutput(owner, object, signal);
      const injection = injectionOf(owner, object);
      return injection && injections.check(object, injection, signal);
    },
    async writeOutput(owner, object, data, signal, mayWrite = () => true) {
      if (!isShadow(owner)) return store.writeOutput(owner, object, data, signal, mayWrite);
      const injection = injectionOf(owner, object);
      if (!injection) return { type: "conflict" };
      const { data: all, made } = takeMade(data.open());
      const own = Object.fromEntries(
        Object.entries(all).filter(([name, value]) => value !== null || !injection.lost.includes(name)),
      );
      const labels = { ...object.labels, ...made.labels };
      const annotations = { ...object.annotations, ...made.annotations };
      return injections.write({ ...object, labels, annotations }, injection, redact(own), signal, mayWrite);
    },
    answered(owner, answered) {
      const shadow = isShadow(owner) ? registry.find(owner.type.kind, owner.metadata) : undefined;
      if (!shadow) return store.answered?.(owner, answered);
      const { statusCode, durationMs } = answered.response;
      answers.keep(owner, { statusCode, durationMs, body: shownBody(answered, shadow.writes) });
    },
  };
}

/** Undefined: nothing of it is shown. Never throws: what came of the request goes on to be recorded, whatever can be shown of it. */
function shownBody(answered: Answered, writes: ReadonlyMap<string, Injected>): string | undefined {
  try {
    const { body, shown } = answered.response;
    const replaced = bodyWithPlaceholders(body.open(), injectedValues(answered, writes));
    const masked = replaced === undefined ? undefined : shown.mask(replaced);
    return masked && !masked.isCut ? masked.text : undefined;
  } catch {
    return undefined;
  }
}
function injectedValues(
  { outputs, values }: Pick<Answered, "outputs" | "values">,
  writes: ReadonlyMap<string, Injected>,
): readonly InjectedValue[] {
  return outputs.flatMap(({ object, data }, index) => {
    const place = writes.get(object.name);
    const made: OutputData = values[index]?.open() ?? {};
    if (!place) return [];
    return data.flatMap(({ name, text }): readonly InjectedValue[] => {
      const value = isMadeKey(name) ? undefined : made[name];
      if (value === undefined || value === null) return [];
      const placeholder = `{{${place.name}:${place.namespace}:${name}}}`;
      return [{ placeholder, value, isHeader: /\.(headers|statusCode)\b/.test(text) && !/\.(body|text)\b/.test(text) }];
    });
  });
}
