/** Writes what VitePress makes a site of: the pages of docs/, with a first page and the menu, into site/pages. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { menuOf, sitePath, titleOf, withSiteLinks } from "./pages.ts";

const root = resolve(import.meta.dirname, "../..");
const docs = join(root, "docs");
const out = join(root, "site/pages");
const projectURL = process.env["PROJECT_URL"] ?? "https://git.example.com/holdfast";
/** Folders that GitHub lists, and the site would have no page for. */
const listed = { api: "Reference", adr: "Decisions", developers: "For developers" } as const;

const pages = new Map(
  readdirSync(docs, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .toSorted()
    .map((file) => [file, readFileSync(join(docs, file), "utf8")]),
);
for (const [folder, title] of Object.entries(listed)) {
  const inside = [...pages].filter(([path]) => path.startsWith(`${folder}/`));
  const links = inside.map(([path, text]) => `- [${titleOf(text)}](${path.slice(folder.length + 1)})`);
  pages.set(`${folder}/README.md`, `# ${title}\n\n${links.join("\n")}\n`);
}
const folders = new Set([...pages.keys()].filter((path) => path.endsWith("/README.md")).map((path) => `docs/${dirname(path)}`));
const sorted = [...pages].toSorted(
  ([a], [b]) => Number(b.endsWith("README.md")) - Number(a.endsWith("README.md")) || (a < b ? -1 : 1),
);
const menu = menuOf(new Map(sorted.map(([path, text]) => [path, titleOf(text)])));

rmSync(out, { recursive: true, force: true });
for (const [path, text] of pages) {
  const file = join(out, sitePath(path));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, withSiteLinks(text, `docs/${path}`, { projectURL, folders }));
}
cpSync(join(docs, "images"), join(out, "images"), { recursive: true });
cpSync(join(root, "site/index.md"), join(out, "index.md"));
writeFileSync(join(out, "menu.json"), JSON.stringify(menu, undefined, 2));
