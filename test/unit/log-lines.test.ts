/** Lines of the log: few writes, in order, and none is lost. */
import { describe, expect, test } from "@jest/globals";
import { createLines } from "../../src/telemetry/lines.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("lines of one turn of the event loop", () => {
  test("are one write, in their order, at its end", async () => {
    const writes: string[] = [];
    const lines = createLines((text) => writes.push(text));
    for (const line of ["a\n", "b\n"]) lines.add(line);
    await Promise.resolve();
    lines.add("c\n");
    expect(writes).toEqual([]);
    await nextTurn();
    expect(writes).toEqual(["a\nb\nc\n"]);
    lines.add("d\n");
    await nextTurn();
    expect(writes).toEqual(["a\nb\nc\n", "d\n"]);
  });

  test("are written before, where they are many, and once", async () => {
    const writes: string[] = [];
    const lines = createLines((text) => writes.push(text));
    const line = `${"x".repeat(999)}\n`;
    for (let count = 0; count < 100; count += 1) lines.add(line);
    expect(Math.max(...writes.map(({ length }) => length))).toBeLessThanOrEqual(17_000);
    expect(writes.length).toBeGreaterThan(4);
    await nextTurn();
    expect(writes.join("")).toBe(line.repeat(100));
  });

  test("one that is added while others are written comes after them", async () => {
    const writes: string[] = [];
    const lines = createLines((text) => {
      writes.push(text);
      if (text === "a\n") lines.add("b\n");
    });
    lines.add("a\n");
    lines.flush();
    lines.flush();
    await nextTurn();
    expect(writes).toEqual(["a\n", "b\n"]);
  });
});
