/** The pages of docs/ as the site has them: where each stands, where its links lead, and how the menu lists them. */
import { posix } from "node:path";

/** Of the repository, with `/` in between. */
type Path = string;

/** Without what stands in code, where nothing is a link. */
const code = /^```[\s\S]*?^```$|`[^`\n]*`/gm;

/** Where a page of docs/ stands on the site: a README is its folder's first page. */
export const sitePath = (path: Path): Path => path.replace(/^docs\//, "").replace(/(^|\/)README\.md$/, "$1index.md");

/**
 * The page's text with links as the site has them. What is on the site is linked there; what is only in the repository is
 * linked there, below `projectURL`. `folders`: the folders of docs/ that have a first page.
 */
export function withSiteLinks(
  text: string,
  page: Path,
  { projectURL, folders }: { projectURL: string; folders: ReadonlySet<Path> },
): string {
  const here = posix.dirname(page);
  function target(link: string): string {
    if (/^([a-z]+:|#)/.test(link)) return link;
    const [path = "", anchor] = link.split("#");
    const file = posix.join(here, path).replace(/\/$/, "");
    const end = anchor === undefined ? "" : `#${anchor}`;
    if (file.startsWith("docs/images/")) return link;
    const onSite = file.startsWith("docs/") && (file.endsWith(".md") || folders.has(file));
    if (!onSite) return `${projectURL}/blob/main/${file}${end}`;
    const there = sitePath(file.endsWith(".md") ? file : `${file}/README.md`);
    return `/${there}${end}`;
  }
  return outsideCode(text, (prose) => prose.replace(/\]\(([^)\s]+)\)/g, (_, link: string) => `](${target(link)})`));
}

/** Changes what is not code. */
function outsideCode(text: string, change: (prose: string) => string): string {
  let result = "";
  let end = 0;
  for (const match of text.matchAll(code)) {
    result += change(text.slice(end, match.index)) + match[0];
    end = match.index + match[0].length;
  }
  return result + change(text.slice(end));
}

/** A heading's anchor, as GitHub makes it, so that one link leads to it there and here. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

/** The first heading's text. Throws where there is none. */
export function titleOf(text: string): string {
  const title = /^# (.+)$/m.exec(text)?.[1];
  if (title === undefined) throw new Error("a page has no title");
  return title.replaceAll("`", "");
}

export interface MenuGroup {
  readonly text: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
  readonly collapsed?: boolean;
}

/** The menu's groups: pages by their path in docs/ in order, or a folder, whose pages stand in the order of their names. */
const groups: readonly (readonly [string, readonly Path[], boolean?])[] = [
  ["Begin", ["try-it.md", "guide/README.md", "install.md", "faq.md", "glossary.md", "troubleshooting.md"]],
  ["Guide", ["guide"]],
  ["How it works", ["delivery.md", "remote-objects.md", "http-client.md", "egress.md", "threat-model.md"]],
  ["Reference", ["api", "reasons.md", "metrics.md"]],
  ["Run it", ["operations.md", "gitops.md", "performance.md"]],
  ["Runbooks", ["runbooks"], true],
  ["For developers", ["architecture.md", "developers"]],
  ["Decisions", ["adr"], true],
];

/** `titles`: each page's title by its path in docs/. A page of no group stands in the last. Throws where a group names none that there is. */
export function menuOf(titles: ReadonlyMap<Path, string>): readonly MenuGroup[] {
  const left = new Set(titles.keys());
  const take = (path: Path): MenuGroup["items"][number] => {
    if (!left.delete(path)) throw new Error(`the menu names docs/${path}, which there is not, or twice`);
    return { text: titles.get(path) ?? "", link: `/${sitePath(path).replace(/(index)?\.md$/, "")}` };
  };
  const pagesOf = (entry: Path): readonly Path[] =>
    entry.endsWith(".md") ? [entry] : [...left].filter((path) => path.startsWith(`${entry}/`)).toSorted();
  const menu = groups.map(([text, entries, collapsed]): MenuGroup => ({
    text,
    items: entries.flatMap((entry) => pagesOf(entry).map(take)),
    ...(collapsed && { collapsed }),
  }));
  return left.size === 0 ? menu : [...menu, { text: "More", items: [...left].map(take) }];
}
