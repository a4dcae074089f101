/**
 * Every secret's value that this process has used, so that no line of its log can hold one, whoever wrote that line.
 *
 * Invariant: it is bounded for each namespace and as a whole. A namespace loses the values it has not used for longest, and to
 * the others only while it is the one that holds most. It keeps hashes of forms, so what it takes for a form in a line may in
 * theory be none. It is the second line: plans, statuses and messages hold no values to begin with.
 */
import { withAsterisks } from "../core/mask-secrets.ts";
import { formsOf } from "../core/secret-forms.ts";

export interface SecretRegistry {
  /** `namespace`: in whose name it was used; empty for what belongs to the cluster. */
  readonly add: (secret: string, namespace: string) => void;
  /** The text with three asterisks for each value that is known, in any of the forms of `formsOf`. */
  readonly scrub: (text: string) => string;
}

/** A shorter one is an ordinary word; a longer one would not be in a line as a whole. */
const characters = { least: 8, most: 8192 };
/** Of a form, by which it is found: a line is looked through once, however many secrets there are. */
const prefixLength = 8;
/** Forms of so many lengths are known whose first halves are the same: secrets differ sooner than that. */
const mostLengths = 16;
/** What one form takes, roughly: an entry in two Maps. */
const formBytes = 64;

interface Limits {
  readonly namespaceBytes?: number;
  readonly totalBytes?: number;
}
/** Of one value: the hashes of its forms. */
interface Known {
  readonly forms: readonly Form[];
  readonly sizeBytes: number;
}
interface Form {
  readonly prefix: number;
  /** Of its beginning, whose length is the power of two up to its own. */
  readonly window: number;
  readonly length: number;
  readonly hash: number;
}
interface Holding {
  readonly values: Map<string, Known>;
  sizeBytes: number;
}

/** 256 KiB for a namespace and 32 MiB in all, where not given. */
export function createSecretRegistry(limits: Limits = {}): SecretRegistry {
  const { namespaceBytes = 1 << 18, totalBytes = 1 << 25 } = limits;
  const holdings = new Map<string, Holding>();
  let sizeBytes = 0;
  /** How many there are by the hash of a form and of its prefix, and by that of its window of each length. */
  const [forms, prefixes] = [new Map<number, number>(), new Map<number, number>()];
  const windows = new Map<number, Map<number, number>>();

  /** False where it is not taken. */
  function insert({ prefix, window, length, hash }: Form): boolean {
    const lengths = windows.get(window) ?? new Map<number, number>();
    if (lengths.size >= mostLengths && !lengths.has(length)) return false;
    windows.set(window, lengths);
    for (const [counts, key] of [
      [lengths, length],
      [forms, hash],
      [prefixes, prefix],
    ] as const)
      counts.set(key, (counts.get(key) ?? 0) + 1);
    return true;
  }
  function remove({ prefix, window, length, hash }: Form): void {
    const lengths = windows.get(window);
    if (!lengths) return;
    for (const [counts, key] of [
      [lengths, length],
      [forms, hash],
      [prefixes, prefix],
    ] as const)
      countDown(counts, key);
    if (lengths.size === 0) windows.delete(window);
  }
  function forgetOldest(namespace: string, holding: Holding): void {
    const [oldest, known] = holding.values.entries().next().value ?? [];
    if (oldest === undefined || !known) return;
    holding.values.delete(oldest);
    holding.sizeBytes -= known.sizeBytes;
    sizeBytes -= known.sizeBytes;
    for (const form of known.forms) remove(form);
    if (holding.values.size === 0) holdings.delete(namespace);
  }
  function longestAt(text: Hashes, at: number, end: number): number {
    if (!prefixes.has(text.hashOf(at, prefixLength))) return 0;
    let longest = 0;
    for (let size = prefixLength; at + size <= end; size *= 2)
      for (const length of windows.get(text.hashOf(at, size))?.keys() ?? [])
        if (length > longest && at + length <= end && forms.has(text.hashOf(at, length))) longest = length;
    return longest;
  }

  return {
    add(secret, namespace) {
      if (secret.length < characters.least || secret.length > characters.most) return;
      const holding = holdings.get(namespace) ?? { values: new Map<string, Known>(), sizeBytes: 0 };
      const known = holding.values.get(secret);
      if (known) {
        holding.values.delete(secret);
        holding.values.set(secret, known); // the latest
        return;
      }
      const formsTaken = formsIn(secret).filter(insert);
      const added: Known = { forms: formsTaken, sizeBytes: secret.length + formBytes * formsTaken.length };
      holdings.set(namespace, holding);
      holding.values.set(secret, added);
      holding.sizeBytes += added.sizeBytes;
      sizeBytes += added.sizeBytes;
      while (holding.sizeBytes > namespaceBytes) forgetOldest(namespace, holding);
      while (sizeBytes > totalBytes) forgetOldest(...largest(holdings));
    },
    scrub(text) {
      if (forms.size === 0) return text;
      const hashes = hashesOf(text);
      const ranges: [number, number][] = [];
      for (let at = 0; at <= text.length - prefixLength; at += 1) {
        const length = longestAt(hashes, at, text.length);
        if (length === 0) continue;
        const last = ranges.at(-1);
        if (last && at <= last[1]) last[1] = Math.max(last[1], at + length);
        else ranges.push([at, at + length]);
      }
      return withAsterisks(text, ranges);
    },
  };
}

function countDown(counts: Map<number, number>, key: number): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}

function largest(holdings: ReadonlyMap<string, Holding>): [string, Holding] {
  const [first, ...others] = holdings;
  if (!first) throw new Error("nothing is held");
  return others.reduce((most, one) => (one[1].sizeBytes > most[1].sizeBytes ? one : most), first);
}

/** A longer one is not escaped in every way: each character of each form takes its time. */
const longestEscaped = 512;

function formsIn(secret: string): Form[] {
  const forms = new Map<number, Form>();
  for (const pieces of formsOf(secret, { mostEscaped: longestEscaped })) {
    const text = [...pieces].join("");
    const { length } = text;
    if (length < prefixLength) continue;
    const { hashOf } = hashesOf(text);
    const hash = hashOf(0, length);
    const window = hashOf(0, 2 ** Math.floor(Math.log2(length)));
    forms.set(hash, { prefix: hashOf(0, prefixLength), window, length, hash });
  }
  return [...forms.values()];
}

/** Of any part of a text, each in the same time however long that is. */
interface Hashes {
  /** 53 bits, of which the length is a part; of what goes beyond the text, of no use. */
  readonly hashOf: (at: number, length: number) => number;
}

const bases = [0x01000193, 0x9e3779b1] as const;

/** Polynomials over the characters, modulo 2^32, one for each base: that of a part follows from those of what ends with it and before it. */
function hashesOf(text: string): Hashes {
  const [one, other] = bases.map((base) => polynomial(text, base)) as [Polynomial, Polynomial];
  return {
    hashOf: (at, length) => (one(at, length) >>> 0) * 0x200000 + ((Math.imul(other(at, length), 0x85ebca6b) ^ length) >>> 11),
  };
}
type Polynomial = (at: number, length: number) => number;
function polynomial(text: string, base: number): Polynomial {
  const [sums, powers] = [new Int32Array(text.length + 1), new Int32Array(text.length + 1)];
  powers[0] = 1;
  for (let at = 0; at < text.length; at += 1) {
    sums[at + 1] = Math.imul(sums[at]!, base) + text.charCodeAt(at) + 1;
    powers[at + 1] = Math.imul(powers[at]!, base);
  }
  return (at, length) => (sums[at + length]! - Math.imul(sums[at]!, powers[length]!)) | 0;
}
