/**
 * Refresh tokens that a token server gave in place of a Secret's, by the key of what they are for.
 *
 * Invariant: in memory only. Written back they could be lost between the answer and the write, and the Secret is somebody else's.
 */
interface RefreshTokens {
  of(key: string): string | undefined;
  keep(key: string, token: string): void;
  forget(key: string): void;
}

/** Beyond so many the oldest is forgotten. */
const maxKept = 10_000;

export function createRefreshTokens(): RefreshTokens {
  const kept = new Map<string, string>();
  return {
    of: (key) => kept.get(key),
    keep(key, token) {
      kept.delete(key);
      kept.set(key, token);
      const [oldest] = kept.keys();
      if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
    },
    forget: (key) => void kept.delete(key),
  };
}
