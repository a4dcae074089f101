/**
 * How long what failed waits before it is tried again. Invariant: nobody waits exactly as long as everybody else does, so that a
 * fleet that failed together does not come back in step.
 */
import { hash } from "node:crypto";

/** The shortest and the longest pause, in milliseconds. */
export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** Milliseconds: `initialMs` after the first failure, doubled with each further one, up to `maxMs`. `failures`: those before this. */
export function doublingMs({ initialMs, maxMs }: BackoffLimits, failures: number): number {
  return Math.min(maxMs, initialMs * 2 ** Math.max(0, failures));
}

/**
 * Milliseconds, for what records nothing but since when it fails: as long as it has been failing, within the limits, so that each
 * pause doubles that time.
 */
export function failingForMs({ initialMs, maxMs }: BackoffLimits, failingMs: number): number {
  return Math.min(Math.max(failingMs, initialMs), Math.max(initialMs, maxMs));
}

/** A pause, shortened by up to `share` of it. `fraction`: at least 0 and below 1; random, or `fractionOf` who waits. */
export function shortenedMs(fullMs: number, fraction: number, share = 0.25): number {
  return Math.round(fullMs * (1 - fraction * share));
}

/** A number from 0 to below 1 that derives from the text: a restart finds the same. */
export function fractionOf(text: string): number {
  return Number.parseInt(hash("sha256", text, "hex").slice(0, 8), 16) / 2 ** 32; // a Buffer would cost more than the digest
}

/** `failingForMs`, shortened by what derives from `uid`. */
export function pauseSinceMs(uid: string, limits: BackoffLimits, failingMs: number): number {
  return shortenedMs(failingForMs(limits, failingMs), fractionOf(`${uid}/pause`));
}
