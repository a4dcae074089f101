/** Pauses of what could not be decided: doubling from the first to the last, with jitter. Invariant: a success ends them. */
export interface Backoff {
  /** Milliseconds until the key is tried again; counts the failure. */
  next(id: string, limits: PauseLimits): number;
  forget(id: string): void;
}
/** Milliseconds. */
interface PauseLimits {
  readonly first: number;
  readonly last: number;
}

/** Each pause is shortened by up to a quarter. */
export function createBackoff(): Backoff {
  const failures = new Map<string, number>();
  return {
    next(id, { first, last }) {
      const failed = failures.get(id) ?? 0;
      failures.set(id, failed + 1);
      return Math.min(last, first * 2 ** failed) * (0.75 + Math.random() / 4);
    },
    forget: (id) => void failures.delete(id),
  };
}
