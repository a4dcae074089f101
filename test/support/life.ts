/** A remote object's whole life at a server of its own: made, changed by hand, declared anew, deleted. */
import { expect } from "@jest/globals";
import { nothing } from "./collection.ts";
import type { Answer, Asked, RemoteCase, Serve } from "./remote-servers.ts";

/** A server, and what it has. */
export interface Product {
  readonly serve: Serve;
  /** As JSON. */
  readonly kept: () => unknown;
  /** What somebody does there, between two looks. */
  readonly hand?: () => void;
}
interface Life {
  readonly name: string;
  readonly product: () => Product;
  readonly manifests: RemoteCase["manifests"];
  /** As it is declared anew. */
  readonly after: RemoteCase["manifests"];
  /** What its server has had, one after the other: as it was made, changed by hand, put right, declared anew. Then there is nothing. */
  readonly history: readonly unknown[];
  readonly gone?: unknown;
  /** What looks ask with, where that is not GET. */
  readonly isLook?: (line: string) => boolean;
  /** The resource's name. */
  readonly of?: string;
  readonly also?: RemoteCase["check"];
}

/** The hand comes before this look. */
const handAt = 3;

export function life({
  name,
  product,
  manifests,
  after,
  history,
  gone = null,
  isLook = (line) => line.startsWith("GET "),
  of = "it",
  also,
}: Life): RemoteCase {
  const had: unknown[] = [];
  return {
    name,
    server: () => {
      const { serve, kept, hand } = product();
      let looks = 0;
      let last = JSON.stringify(kept());
      const note = (): void => {
        const now = JSON.stringify(kept());
        if (now !== last) had.push(JSON.parse(now));
        last = now;
      };
      return (asked, seconds) => {
        const isMade = had.length > 0 || !hand;
        if (isMade && isLook(`${asked.method} ${asked.path}`) && (looks += 1) === handAt) hand?.();
        note();
        const answer = serve(asked, seconds);
        note();
        return answer;
      };
    },
    manifests,
    after,
    end: nothing,
    isDue: (stage, { state }) => had.length >= history.length + stage - 2 && state(of).startsWith("True"),
    check(seen) {
      expect({ had, state: seen.stateBefore(of).split("/")[0], isThere: seen.isThere(of) }).toEqual({
        had: [...history, gone],
        state: "True",
        isThere: false,
      });
      also?.(seen);
    },
  };
}

export type Kept = Record<string, unknown>;
/** A server of one thing at most. `hand`: what somebody makes of it. */
export function one(
  serve: (asked: Asked, it: Kept | undefined, set: (thing: Kept | undefined) => void) => Answer | undefined,
  hand?: (it: Kept) => Kept,
  first?: Kept,
): () => Product {
  return () => {
    let it = first;
    const set = (thing: Kept | undefined): void => void (it = thing);
    return { kept: () => it ?? null, serve: (asked) => serve(asked, it, set), ...(hand && { hand: () => set(it && hand(it)) }) };
  };
}
/** As it is declared first, and then. */
export function both<T>(declare: (n: 1 | 2) => T): { readonly manifests: T; readonly after: T } {
  return { manifests: declare(1), after: declare(2) };
}
/** An input of the Secret `s`. */
export const secret = (key: string): object => ({ secretKeyRef: { name: "s", key } });
