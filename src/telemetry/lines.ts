/**
 * Lines that are written together: those of one turn of the event loop are one write, since each write is a call of the kernel that
 * wakes whoever reads them. Invariant: they are written in their order, at the turn's end at the latest.
 */

export interface Lines {
  /** With what ends it. */
  add(line: string): void;
  /** Writes now what has been added. */
  flush(): void;
}

/** So many characters wait for the end of a turn at most. */
const mostWaiting = 16_384;

export function createLines(write: (text: string) => void): Lines {
  let waiting = "";

  function flush(): void {
    if (waiting === "") return;
    const text = waiting;
    waiting = ""; // first: what is added while it is written comes after it
    write(text);
  }
  return {
    add(line) {
      if (waiting === "") setImmediate(flush); // which also keeps a process that has nothing else to do from ending before
      waiting += line;
      if (waiting.length > mostWaiting) flush();
    },
    flush,
  };
}
