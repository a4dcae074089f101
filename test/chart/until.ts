/** Waiting for what comes about by itself. */
import { setTimeout as sleep } from "node:timers/promises";

/** Looks ten times a second, for 120 s. Throws, with what `otherwise` says then. */
export async function until(check: () => Promise<boolean>, otherwise: () => string): Promise<void> {
  const giveUpMs = performance.now() + 120_000;
  while (!(await check())) {
    if (performance.now() > giveUpMs) throw new Error(otherwise());
    await sleep(100);
  }
}
