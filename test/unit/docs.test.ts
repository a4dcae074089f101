/** The documentation holds together: links lead somewhere, every example and every reason is told of. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { failureReasons } from "../../src/core/outcome.ts";
import { parse } from "yaml";
import { faultsPage } from "../../tools/generate/coverage/faults.ts";
import { coveragePage } from "../../tools/generate/coverage/page.ts";
import { withManifests } from "../../tools/generate/guide-manifests.ts";
import { httpEndpoint } from "../../src/api/http-endpoint.ts";
import { validator } from "../../src/api/validate.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const pagesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(folder, file));
const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "charts/holdfast/README.md", ...pagesIn("docs")];
const guide = pagesIn("docs/guide");
const examples = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".yaml"));

/** Without what stands in code, where nothing is a link. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
/** As GitHub makes them of headings. */
const anchors = (text: string): readonly string[] =>
  [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

test("the pages that say which test shows what are as the tests' names make them", () => {
  expect(read("docs/developers/coverage.md")).toBe(coveragePage());
  expect(read("docs/developers/faults.md")).toBe(faultsPage());
});

test("every relative link of the documentation leads to a file, and its anchor to a heading", () => {
  const broken = pages.flatMap((page) =>
    [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:/.test(link) && !leads(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});
function leads(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? page : relative(root, resolve(root, dirname(page), path));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || (file.endsWith(".md") && anchors(read(file)).includes(anchor));
}

test("every path that a page names in backticks is there, below the root or below src", () => {
  const folders = [root, join(root, "src")].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
  );
  const made = ["dist", "coverage", "node_modules"];
  const first = new Set(folders.map(({ name }) => name).filter((name) => !made.includes(name)));
  const named = pages
    .filter((page) => page !== "CHANGELOG.md") // it tells of what was
    .flatMap((page) =>
      [...read(page).matchAll(/`([\w.-]+(?:\/[\w.*-]+)+\/?|[\w-]+\/)`/g)].map(([, path = ""]) => ({ page, path })),
    )
    .filter(({ path }) => first.has(path.split("/")[0] ?? "") && path !== "site/dist"); // which is built
  const isThere = (path: string): boolean =>
    ["", "src"].some((base) => existsSync(join(root, base, path.replace(/\/?\*.*$/, ""))));
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter(({ path }) => !isThere(path) && !isThere(`${path}.ts`))).toEqual([]);
});

test("every diagram has a name, by which it is read out", () => {
  const diagrams = pages.flatMap((page) =>
    [...read(page).matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([, source = ""]) => source),
  );
  expect(diagrams.length).toBeGreaterThan(4);
  expect(diagrams.filter((source) => !/^ *accTitle: .+$/m.test(source))).toEqual([]);
});

test("the guide shows every example as the tests run it, but for the one that says where the server is", () => {
  const shown = guide.flatMap((page) => [...read(page).matchAll(/\[examples\/([\w-]+\.yaml)\]/g)].map(([, file]) => file));
  expect(examples.filter((file) => !shown.includes(file))).toEqual(["origin.yaml"]);
  for (const page of guide) expect(read(page)).toBe(withManifests(read(page), (file) => read(join("examples", file))));
});

test("every credential that the guide shows is one that an endpoint takes", () => {
  const shown = [...read("docs/guide/use-and-rotate-tokens.md").matchAll(/^\| [^|]+ \| `(\w+: \{.*\})` \|$/gm)].map(
    ([, text = ""]) => text,
  );
  const validate = validator(httpEndpoint.spec);
  const problemsOf = (text: string): unknown => validate({ baseURL: "https://a.example", auth: parse(text) }).problems;
  expect(shown.map(problemsOf)).toEqual(Array.from({ length: 7 }, () => []));
});

test("the guide's index leads to each of its pages", () => {
  const index = read("docs/guide/README.md");
  expect(guide.map((page) => page.slice("docs/guide/".length)).filter((page) => !index.includes(`(${page})`))).toEqual([
    "README.md",
  ]);
});

/** Told to the log and the metrics, never in a condition. */
const unseen = ["Deleted", "Deleting", "Expired", "Inputs", "NotDue", "NothingCreated", "Orphaned", "Passive"];

test("the list of reasons has every reason that a condition can have, and none that there is not", () => {
  const listed = [...read("docs/reasons.md").matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Z][A-Za-z]+)`/g)].map(([, reason = ""]) => reason),
  );
  const kinds = readdirSync(join(root, "src/kinds"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => read(join("src/kinds", file)));
  const outcome = read("src/core/outcome.ts");
  const given = /(?:reason: |(?:unknown|failed|ready|reconciling|stalled|stuck|asDeclared)\(\s*)"([A-Z][A-Za-z]+)"/g;
  const [, refusals = ""] = /export type RefusalReason =([^;]+);/.exec(outcome) ?? [];
  const reasons = [...kinds.flatMap((text) => [...text.matchAll(given)]), ...refusals.matchAll(/"(\w+)"/g)];
  const told = [...failureReasons, ...reasons.map(([, reason = ""]) => reason)].filter((reason) => !unseen.includes(reason));
  expect(told.length).toBeGreaterThan(80);
  expect(told.filter((reason) => !listed.includes(reason))).toEqual([]);
  const others = [outcome, read("src/serve/serving.ts")];
  const isGiven = (reason: string): boolean => [...kinds, ...others].some((text) => text.includes(`"${reason}"`));
  expect(listed.filter((reason) => !told.includes(reason) && !isGiven(reason))).toEqual([]);
});

test("what each fault says on the page on operations is found by its symptom, too", () => {
  const [, faults = ""] = read("docs/operations.md").split("## What a fault looks like\n");
  const reasons = [...(faults.split("\n## ")[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? [])].map(([, reason = ""]) => reason);
  expect(reasons.length).toBeGreaterThan(12);
  const symptoms = read("docs/troubleshooting.md");
  expect(reasons.filter((reason) => !symptoms.includes(`\`${reason}\``))).toEqual([]);
});

/** What stands in backticks in the first cells of a page's tables. */
const firstCells = (page: string): ReadonlySet<string> =>
  new Set(
    [...read(page).matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([\w/-]+)[^`]*`/g)].map(([, word = ""]) => word),
    ),
  );

test("the architecture has a row for each folder of src, and for each room of src/http and src/kinds", () => {
  const foldersIn = (folder: string): readonly string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  const rows = firstCells("docs/architecture.md");
  const folders = foldersIn("src").map((name) => `src/${name}`);
  const rooms = ["src/http", "src/kinds"].flatMap(foldersIn).map((name) => `${name}/`);
  expect([...folders, ...rooms].filter((name) => !rows.has(name))).toEqual([]);
});

test("the command line's page has a row for each command", () => {
  const commands = [...read("src/cli/program.ts").matchAll(/\.command\("(\w+)"\)/g)].map(([, name = ""]) => name);
  expect(commands.length).toBeGreaterThan(8);
  const rows = firstCells("docs/try-it.md");
  expect(commands.filter((name) => !rows.has(name))).toEqual([]);
});

test("the log's page explains each word of why an object was looked at, and none that there is not", () => {
  const [, union = ""] = /export type DueReason =([^;]+);/.exec(read("src/engine/due-reasons.ts")) ?? [];
  const words = [...union.matchAll(/"(\w+)"/g)].map(([, word = ""]) => word);
  const [, table = ""] = /^\| `why` \| \|\n([\s\S]+?)\n\n/m.exec(read("docs/operations.md")) ?? [];
  const told = table
    .split("\n")
    .flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(/`(\w+)/g)].map(([, word = ""]) => word));
  expect(told.toSorted()).toEqual(words.toSorted());
});
