/** A bound on bytes that are kept, of which a namespace alone has a quarter. Invariant: whoever waits for room is told once there is some. */
export interface Room {
  /** Takes up, or gives back where it is negative, so many bytes. */
  take(namespace: string, sizeBytes: number): void;
  /** Undefined: there is room. Else resolves when it is worth asking again. */
  untilFree(namespace: string): Promise<void> | undefined;
}

/** What is left may be there for good. Milliseconds. */
const soonMs = 10_000;

export function createRoom(maxBytes: number): Room {
  const takenIn = new Map<string, number>();
  let taken = 0;
  let freed = Promise.withResolvers<void>();
  let telling: NodeJS.Timeout | undefined;
  function tell(): void {
    clearTimeout(telling);
    telling = undefined;
    freed.resolve();
    freed = Promise.withResolvers();
  }
  const isFull = (namespace: string): boolean => taken >= maxBytes || (takenIn.get(namespace) ?? 0) >= maxBytes / 4;
  function take(namespace: string, sizeBytes: number): void {
    taken += sizeBytes;
    const own = (takenIn.get(namespace) ?? 0) + sizeBytes;
    if (own > 0) takenIn.set(namespace, own);
    else takenIn.delete(namespace);
    if (sizeBytes >= 0) return;
    if (own <= maxBytes / 8) return tell();
    telling ??= setTimeout(tell, soonMs).unref(); // told at once, whoever waits would soon wait again
  }
  return {
    take,
    untilFree: (namespace) => (isFull(namespace) ? freed.promise : undefined),
  };
}
