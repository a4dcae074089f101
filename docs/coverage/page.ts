/** The page that says which test shows which wish. Made from the tests' names, so that it cannot speak of one that is gone. */
import { readdirSync, readFileSync } from "node:fs";
import { mistakes, wishes, type Wish } from "./wishes.ts";

const root = new URL("../../", import.meta.url);

/** Throws where a wish or a mistake has no test. */
export function coveragePage(): string {
  const tests = testFiles();
  const table = (kind: "wish" | "mistake", rows: readonly Wish[]): string =>
    [
      `| | ${kind === "wish" ? "wish" : "mistake seen elsewhere"} | here | tests |`,
      "| --: | --- | --- | --- |",
      ...rows.map(({ text, feature }, index) => `| ${index + 1} | ${text} | ${feature} | ${proofs(tests, kind, index + 1)} |`),
    ].join("\n");
  return `# Coverage

What people ask of declarative HTTP, most asked first, and where the answer is shown. The tests carry these numbers in their names: \`grep -rn "wish 6" test\`.

${table("wish", wishes)}

## Mistakes seen elsewhere

${table("mistake", mistakes)}
`;
}

interface TestFile {
  readonly path: string;
  readonly text: string;
}

function testFiles(): readonly TestFile[] {
  const entries = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" });
  const paths = entries.filter((path) => path.endsWith(".test.ts")).toSorted();
  return paths.map((path) => ({ path: `test/${path}`, text: readFileSync(new URL(`test/${path}`, root), "utf8") }));
}

function proofs(tests: readonly TestFile[], kind: string, number: number): string {
  const pattern = new RegExp(`["'\`](?:[^"'\`]*, )?${kind} ${number}[:,]`);
  const files = tests.filter(({ text }) => pattern.test(text)).map(({ path }) => `[${path.replace(/^test\/|\.test\.ts$/g, "")}](../${path})`);
  if (files.length === 0) throw new Error(`no test carries the name "${kind} ${number}:"`);
  return files.join(", ");
}
