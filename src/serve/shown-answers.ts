/**
 * What is shown of the latest answer of each shadow that makes Secrets of it, in memory. A status of ours keeps no such answer.
 *
 * Invariant: it is of the shadow that it is asked for, and of no other answer than that one.
 */
import type { Owner } from "../core/output.ts";
import { keyText, type Resource, type ResourceKey } from "../core/resource.ts";
import { servedAsAnnotation } from "./shadow.ts";

export interface ShownAnswer {
  readonly statusCode: number;
  readonly durationMs: number;
  /** Undefined: nothing of it is shown. */
  readonly body: string | undefined;
}
export interface ShownAnswers {
  keep(owner: Owner, answer: ShownAnswer): void;
  find(kind: string, shadow: Resource): ShownAnswer | undefined;
  forget(kind: string, key: ResourceKey): void;
}

/** `onNews`: told of which served object there is something new, as `plural.group/namespace/name`. */
export function createShownAnswers(onNews: (servedAs: string) => void): ShownAnswers {
  const answers = new Map<string, ShownAnswer & { readonly uid: string }>();
  const idOf = (kind: string, key: ResourceKey): string => `${kind}/${keyText(key)}`;
  return {
    keep({ type, metadata }, answer) {
      const id = idOf(type.kind, metadata);
      const before = answers.get(id);
      answers.set(id, { uid: metadata.uid, ...answer });
      const servedAs = metadata.annotations?.[servedAsAnnotation];
      const isNew = before?.uid !== metadata.uid || before.body !== answer.body || before.statusCode !== answer.statusCode;
      if (isNew && servedAs !== undefined) onNews(servedAs);
    },
    find(kind, { metadata }) {
      const found = answers.get(idOf(kind, metadata));
      return found?.uid === metadata.uid ? found : undefined;
    },
    forget: (kind, key) => void answers.delete(idOf(kind, key)),
  };
}
