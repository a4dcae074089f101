/** What many share is told to all of them: to some at once, and to the others with pauses, so that nobody else waits for that. */
import type { YieldIfLong } from "../core/tools/event-loop-yield.ts";

/** So many take a few milliseconds. */
export const mostAtOnce = 500;

interface Pauses {
  readonly breathe: YieldIfLong;
  /** `visit` threw once this had returned, which is a mistake in this program: who comes after it is not visited. */
  readonly onMistake: (error: unknown) => void;
}

/** `all` may change meanwhile: who goes is left out, and who comes is visited, where what it iterates over does so. */
export function eachWithPauses<T>(all: Iterable<T>, visit: (one: T) => void, { breathe, onMistake }: Pauses): void {
  const left = Iterator.from(all);
  for (let visited = 0; visited < mostAtOnce; visited += 1) {
    const next = left.next();
    if (next.done) return;
    visit(next.value);
  }
  async function goOn(): Promise<void> {
    for (;;) {
      await breathe();
      const next = left.next();
      if (next.done) return;
      visit(next.value);
    }
  }
  goOn().catch(onMistake);
}
