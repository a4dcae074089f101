/**
 * Finds many patterns in one text, each in time of its own length at most, and tells where any of them stands.
 *
 * A suffix automaton (Blumer et al., "The smallest automaton recognizing the subwords of a text", 1985): a pattern is followed
 * from the start as far as the text has it, so one that the text has nothing of costs a step. Invariant: no work grows
 * faster than the text plus the patterns, whatever either of them holds.
 */

/** So that a state and a character make one small integer. */
export const longestIndexed = 1 << 14;

export interface TextIndex {
  /**
   * Marks each place where the pattern stands, whose pieces are asked for one after the other as far as the text has them; of a
   * text that goes on, also its end where that is how the pattern begins.
   */
  mark(pieces: Iterable<string>): void;
  /** How many steps `mark` has made so far. */
  readonly work: number;
  /** What is marked, from the first to the last, as `[from, to)`; those that touch or overlap are one. */
  ranges(): readonly (readonly [number, number])[];
}

/** `goesOn`: the text is the beginning of a longer one. Throws `RangeError` for one that is longer than `longestIndexed`. */
export function createTextIndex(text: string, goesOn: boolean): TextIndex {
  if (text.length > longestIndexed) throw new RangeError("the text is too long for an index");
  const { steps, link, last, prefix, byLength } = automatonOf(text);
  const marks = new Int32Array(link.length); // the longest pattern that ends where the texts of a state do
  const ends = new Uint8Array(link.length); // states of what the text ends with
  for (let state = goesOn ? last : 0; state > 0; state = link[state]!) ends[state] = 1;
  let [tail, work] = [0, 0];

  return {
    mark(pieces) {
      let [state, taken] = [0, 0];
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; at += 1) {
          work += 1;
          const next = steps.get(stepKey(state, piece.charCodeAt(at)));
          if (next === undefined) return;
          state = next;
          taken += 1;
          if (ends[state] === 1) tail = Math.max(tail, taken);
        }
      }
      marks[state] = Math.max(marks[state]!, taken);
    },
    get work() {
      return work;
    },
    ranges() {
      // What the shorter texts of a state's links end with, its own end with, too.
      for (const state of byLength()) if (state > 0) marks[state] = Math.max(marks[state]!, marks[link[state]!]!);
      const opens = new Int32Array(text.length + 1);
      const cover = (from: number, to: number): void => {
        opens[from]! += 1;
        opens[to]! -= 1;
      };
      for (let at = 0; at < text.length; at += 1) {
        const marked = marks[prefix[at]!]!;
        if (marked > 0) cover(at + 1 - marked, at + 1);
      }
      if (tail > 0) cover(text.length - tail, text.length);
      return rangesOf(opens);
    },
  };
}

interface Automaton {
  /** From a state by a character to another. */
  readonly steps: ReadonlyMap<number, number>;
  /** Of each state that of the longest ending which is found in more places; -1 of the first. */
  readonly link: Int32Array;
  /** The state of each beginning of the text, by its last character; `last`: of the whole text. */
  readonly prefix: Int32Array;
  readonly last: number;
  /** All states, by the length of the longest text that leads there. */
  readonly byLength: () => Int32Array;
}

const stepKey = (state: number, unit: number): number => (state << 16) | unit;

function automatonOf(text: string): Automaton {
  const states = 2 * text.length + 1;
  const length = new Int32Array(states); // of the longest text that leads to a state
  const link = new Int32Array(states).fill(-1);
  const { steps, lead, copySteps } = createSteps(states);
  const prefix = new Int32Array(text.length);
  let [count, last] = [1, 0];

  function copyOf(state: number, itsLength: number): number {
    const copy = count++;
    length[copy] = itsLength;
    link[copy] = link[state]!;
    copySteps(state, copy);
    return copy;
  }
  function add(unit: number): number {
    const added = count++;
    length[added] = length[last]! + 1;
    let from = last;
    for (; from !== -1 && !steps.has(stepKey(from, unit)); from = link[from]!) lead(from, unit, added);
    last = added;
    const next = from === -1 ? 0 : steps.get(stepKey(from, unit))!;
    if (from === -1 || length[from]! + 1 === length[next]) {
      link[added] = next;
      return added;
    }
    const copy = copyOf(next, length[from]! + 1);
    for (; from !== -1 && steps.get(stepKey(from, unit)) === next; from = link[from]!) lead(from, unit, copy);
    link[next] = copy;
    link[added] = copy;
    return added;
  }
  for (let at = 0; at < text.length; at += 1) prefix[at] = add(text.charCodeAt(at));
  return { steps, link, prefix, last, byLength: () => sortedByLength(length.subarray(0, count)) };
}

/** By counting. */
function sortedByLength(lengths: Int32Array): Int32Array {
  const [starts, sorted] = [new Int32Array(lengths.length + 2), new Int32Array(lengths.length)];
  for (const length of lengths) starts[length + 1]! += 1;
  for (let at = 1; at < starts.length; at += 1) starts[at]! += starts[at - 1]!;
  for (const [state, length] of lengths.entries()) sorted[starts[length]!++] = state;
  return sorted;
}

/** Of each state the characters that lead on are a list as well: a copy of the state needs them. There are at most three for each. */
function createSteps(states: number) {
  const steps = new Map<number, number>();
  const [first, next, units] = [new Int32Array(states).fill(-1), new Int32Array(3 * states), new Uint16Array(3 * states)];
  let count = 0;
  function lead(from: number, unit: number, to: number): void {
    const key = stepKey(from, unit);
    if (!steps.has(key)) {
      units[count] = unit;
      next[count] = first[from]!;
      first[from] = count++;
    }
    steps.set(key, to);
  }
  function copySteps(from: number, to: number): void {
    for (let step = first[from]!; step !== -1; step = next[step]!)
      lead(to, units[step]!, steps.get(stepKey(from, units[step]!))!);
  }
  return { steps, lead, copySteps };
}

/** `opens`: at each place how many ranges begin there, less those that end. */
function rangesOf(opens: Int32Array): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  let [open, from] = [0, 0];
  for (const [at, change] of opens.entries()) {
    if (change === 0) continue;
    if (open === 0) from = at;
    open += change;
    if (open === 0) ranges.push([from, at]);
  }
  return ranges;
}
