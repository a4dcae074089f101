/**
 * The store as shadows see it: what one makes of an answer is written where the object that it stands for says. For everybody else
 * it is the store as it is.
 */
import type { OutputData, OutputObject, OutputStore, Owner } from "../core/output.ts";
import type { ResourceStore } from "../core/ports.ts";
import type { Redacted } from "../core/redacted.ts";
import { isShadow, type Injected, type Registry } from "./registry.ts";

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
  injections: InjectionStore,
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
      return injection ? injections.write(object, injection, data, signal, mayWrite) : { type: "conflict" };
    },
  };
}
