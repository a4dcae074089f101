/**
 * What of the process's memory limit is for what. docs/operations.md has the arithmetic.
 *
 * Invariant: the parts that tenants and servers can fill are together no more than five eighths of the limit; the rest is for the
 * program itself and the objects that it watches.
 */
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

interface MemoryParts {
  /** For jq in each of its two threads. */
  readonly jqBytes: number;
  /** How many reconciles may hold long answers, Secrets and bodies at a time. */
  readonly shares: number;
  /** How long the answers may be for which that is enough. */
  readonly maxResponseBytes: number;
  /** For TLS material as text; parsed it takes five times as much. */
  readonly materialBytes: number;
}

const MiB = 1024 * 1024;
/** The content as it came, its text, the document that expressions see, for two answers at a time; and Secrets and bodies. */
export const heldForEachByte = 16;

/** The limit of the control group (v1 or v2), else all memory there is; and no more than twice the heap, which is to be half of it. */
export function memoryLimitBytes(): number {
  return Math.min(process.constrainedMemory() || Infinity, totalmem(), getHeapStatistics().heap_size_limit * 2);
}

export function partsOfMemory(limitBytes: number, maxResponseBytes: number): MemoryParts {
  const forAnswers = (limitBytes * 3) / 16;
  return {
    jqBytes: within(limitBytes / 8, 32 * MiB, 256 * MiB),
    shares: within(forAnswers / (heldForEachByte * maxResponseBytes), 2, 64),
    maxResponseBytes: Math.floor(forAnswers / 2 / heldForEachByte),
    materialBytes: within(limitBytes / 128, MiB, 16 * MiB),
  };
}

function within(value: number, least: number, most: number): number {
  return Math.floor(Math.min(Math.max(value, least), most));
}
