/** The page that says which test shows which wish. Made from the tests' names, so that it cannot speak of one that is gone. */
import { oneFolderDown, proofs, testFiles } from "./tests.ts";
import { mistakes, wishes, type Wish } from "./wishes.ts";

/** Throws where a wish or a mistake has no test. */
export function coveragePage(): string {
  const tests = testFiles();
  const table = (kind: "wish" | "mistake", rows: readonly Wish[]): string =>
    [
      `| | ${kind === "wish" ? "wish" : "mistake seen elsewhere"} | here | tests |`,
      "| --: | --- | --- | --- |",
      ...rows.map(({ text, feature }, index) => `| ${index + 1} | ${text} | ${oneFolderDown(feature)} | ${oneFolderDown(proofs(tests, `${kind} ${index + 1}`))} |`),
    ].join("\n");
  return `# Coverage

What people ask of declarative HTTP, most asked first, and where the answer is shown. The tests carry these numbers in their names: \`grep -rn "wish 6" test\`.

${table("wish", wishes)}

## Mistakes seen elsewhere

${table("mistake", mistakes)}
`;
}
