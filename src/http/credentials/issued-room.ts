/** Room for what servers issued. Invariant: a namespace's endpoints have so much of it together, and take none of another's. */

export interface IssuedRoom {
  /** It is kept now. What was kept first is let go of where that is too much: whoever needs it asks for it again. */
  keep(namespace: string, key: string, kept: { readonly characters: number; readonly letGo: () => void }): void;
  /** It is kept no longer. */
  release(namespace: string, key: string): void;
}

/** Characters, of each namespace: thousands of tokens as they are, some dozens as long as they may be. */
const mostCharacters = 4_194_304;
/** What keeping one costs by itself. */
const ownCharacters = 512;

export function createIssuedRoom(most = mostCharacters): IssuedRoom {
  const byNamespace = new Map<string, Map<string, { readonly characters: number; readonly letGo: () => void }>>();

  function release(namespace: string, key: string): void {
    const kept = byNamespace.get(namespace);
    kept?.delete(key);
    if (kept?.size === 0) byNamespace.delete(namespace);
  }
  return {
    release,
    keep(namespace, key, { characters, letGo }) {
      const kept = byNamespace.get(namespace) ?? new Map();
      byNamespace.set(namespace, kept);
      kept.delete(key);
      kept.set(key, { characters: characters + ownCharacters, letGo });
      let left = most - kept.values().reduce((sum, one) => sum + one.characters, 0);
      for (const [oldest, one] of kept) {
        if (left >= 0 || oldest === key) break;
        left += one.characters;
        release(namespace, oldest);
        one.letGo();
      }
    },
  };
}
