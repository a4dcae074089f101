/** Which test files carry a numbered name: `wish 6:`, `F7:` or, with another before it, `wish 14, attack 1:`. */
import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);

export interface TestFile {
  readonly path: string;
  readonly text: string;
}

export function testFiles(): readonly TestFile[] {
  const entries = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" });
  const paths = entries.filter((path) => path.endsWith(".test.ts")).toSorted();
  return paths.map((path) => ({ path: `test/${path}`, text: readFileSync(new URL(`test/${path}`, root), "utf8") }));
}

/** A text whose links are relative to docs/, for a page in docs/developers/. */
export const oneFolderDown = (text: string): string => text.replaceAll("](", "](../");

/** Links to them, relative to docs/. `label`: for example `wish 6`. Throws where there is none. */
export function proofs(tests: readonly TestFile[], label: string): string {
  const pattern = new RegExp(`["'\`](?:[^"'\`]*, )?${label}[:,]`);
  const files = tests
    .filter(({ text }) => pattern.test(text))
    .map(({ path }) => `[${path.replace(/^test\/|\.test\.ts$/g, "")}](../${path})`);
  if (files.length === 0) throw new Error(`no test carries the name "${label}:"`);
  return files.join(", ");
}
