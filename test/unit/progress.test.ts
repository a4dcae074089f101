/** What `run` shows, as a terminal that scrolls would have it in the end. */
import { expect, test } from "@jest/globals";
import { createProgress, type Progress, type Shown } from "../../src/cli/progress.ts";

/** Knows what progress uses: line ends, up (which stops at the top) and clear to the end. `lines`: what scrolled away, too. */
function terminal(rows: number, isTTY = true) {
  const lines: string[] = [""];
  const out = {
    isTTY,
    rows,
    columns: 80,
    write(text: string): void {
      // oxlint-disable-next-line no-control-regex -- they are what a terminal acts on
      for (const [, up, clear, rest = ""] of text.matchAll(/\u001B\[(\d+)A|(\u001B\[J)|([^\u001B]+)/g)) {
        const top = Math.max(0, lines.length - rows);
        if (up !== undefined) cursor = Math.max(top, cursor - Number(up));
        else if (clear) lines.splice(cursor, lines.length, "");
        else print(rest);
      }
    },
  };
  let cursor = 0;
  function print(text: string): void {
    const [first = "", ...more] = text.split("\n");
    lines[cursor] += first;
    for (const line of more) lines[(cursor += 1)] = line;
  }
  return { out, lines: (): readonly string[] => lines.filter((line) => line !== "") };
}

function request(name: string, reason?: string, message = ""): Shown {
  const condition = { type: "Ready", status: reason === "Succeeded" ? "True" : "False", reason, message };
  return {
    metadata: { name, namespace: "n" },
    spec: { method: "GET", url: "http://a.example" },
    ...(reason !== undefined && { status: { conditions: [condition] } }),
  } as unknown as Shown;
}

/** All are declared, sent, and done, in this order. */
function goThrough(progress: Progress, size: number, meanwhile: (nth: number) => void = () => {}): void {
  const names = Array.from({ length: size }, (_, nth) => `r${nth}`);
  for (const name of names) progress.update(request(name));
  for (const name of names) progress.update(request(name, "Sending"));
  names.forEach((name, nth) => {
    meanwhile(nth);
    progress.update(request(name, "Succeeded"));
  });
}
const count = (lines: readonly string[], pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;

test.each([1, 22, 23, 24, 25, 60])("on a terminal of 24 lines %d requests leave nothing twice", (size) => {
  const { out, lines } = terminal(24);
  goThrough(createProgress(out), size);
  expect(count(lines(), /^REQUEST /)).toBe(1);
  expect(count(lines(), /Succeeded/)).toBe(size);
  expect(count(lines(), /Sending/)).toBe(size < 24 - 1 ? 0 : size);
  expect(new Set(lines()).size).toBe(lines().length);
});

test.each([
  [3, 24],
  [40, 24],
  [3, 2],
])("what else is written to the terminal stands there once, and the table below it (%d requests, %d lines)", (size, rows) => {
  const { out, lines } = terminal(rows);
  const progress = createProgress(out);
  goThrough(progress, size, (nth) => progress.writeAbove(() => out.write(`WARN  ${nth}\n`)));
  expect(count(lines(), /^WARN/)).toBe(size);
  expect(new Set(lines()).size).toBe(lines().length);
  expect(count(lines(), /Succeeded/)).toBe(size);
  if (size < rows - 1)
    expect(lines().slice(0, size + 1)).toEqual([
      ...Array.from({ length: size }, (_, nth) => `WARN  ${nth}`),
      expect.stringMatching(/^REQUEST /),
    ]);
});

test("a terminal that is made smaller gets lines from then on, and one that is made larger a table again", () => {
  const { out, lines } = terminal(24);
  const progress = createProgress(out);
  for (const name of ["a", "b", "c"]) progress.update(request(name, "Sending"));
  out.rows = 3;
  progress.update(request("a", "Succeeded"));
  expect(lines().at(-1)).toBe("n/a  GET  ready  Succeeded");
  out.rows = 24;
  progress.update(request("b", "Succeeded"));
  expect(count(lines().slice(-4), /^REQUEST |Succeeded|Sending/)).toBe(4);
});

test("says of an object that has gone that it has, where there is no table that shows it", () => {
  for (const { out, lines } of [terminal(24, false), terminal(2)]) {
    const progress = createProgress(out);
    progress.update(request("a", "Succeeded"));
    progress.update(request("b", "Succeeded"));
    progress.remove(request("a"));
    expect(lines().slice(-2)).toEqual(["n/b  GET  ready  Succeeded", "n/a  gone"]);
  }
  const { out, lines } = terminal(24);
  const progress = createProgress(out);
  progress.update(request("a", "Succeeded"));
  progress.remove(request("a"));
  expect(lines()).toEqual(["REQUEST  METHOD  STATE  REASON  MESSAGE"]);
});

test("has a line for each update, with what it has corrected", () => {
  const { out, lines } = terminal(2);
  const progress = createProgress(out);
  const updated = (id: string, reason = "Updated"): Shown => {
    const drifted = { type: "Drifted", status: "False", reason: "Corrected", message: "corrected: .teeth (wanted: 12)" };
    const ready = { type: "Ready", status: "True", reason, message: "answered 200" };
    const status = { conditions: [ready, drifted], attempt: { id, phase: "Done" } };
    return { metadata: { name: "a", namespace: "n" }, spec: { observe: {} }, status } as unknown as Shown;
  };
  for (const one of [updated("1"), updated("1"), updated("2")]) progress.update(one);
  progress.update(updated("2", "Adopted"));
  const line = "n/a  observe  ready  Updated  answered 200; corrected: .teeth (wanted: 12)";
  expect(lines()).toEqual([line, line, "n/a  observe  ready  Adopted  answered 200"]);
});

test("says what is most likely not meant so", () => {
  const { out, lines } = terminal(2);
  const progress = createProgress(out);
  const one = request("a", "Succeeded", "answered 200");
  const suspicion = { type: "Suspicious", status: "True", reason: "NotExpanded", message: "spec.parameters.a: not expanded" };
  progress.update({ ...one, status: { conditions: [...(one.status?.conditions ?? []), suspicion] } } as unknown as Shown);
  expect(lines()).toEqual(["n/a  GET  ready  Succeeded  answered 200; suspicious: spec.parameters.a: not expanded"]);
});

test("no message speaks to the terminal, in a line as in the table", () => {
  for (const rows of [2, 24]) {
    const { out, lines } = terminal(rows);
    const progress = createProgress(out);
    for (const name of ["a", "b"]) progress.update(request(name, "Failed", "\u009b2Jx\ry"));
    expect(lines().join("")).not.toMatch(/[\p{Cc}]/u);
  }
});
