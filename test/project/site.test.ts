/**
 * The site, built as `make site` builds it: no broken link, nothing from elsewhere, and readable in a real browser in light,
 * dark and narrow. `HOLDFAST_SCREENSHOT=folder` keeps what the browser shows.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startBrowser, type Page } from "../support/browser.ts";
import { eventually } from "../support/tcp-table.ts";
import { describeWith } from "./describe-with.ts";
import { make, root } from "./repository.ts";
import { projectTools } from "./tools.ts";

/** For what a page's script does after it has loaded. */
const longMs = 60_000;
const dist = join(root, "site/dist");
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};
const files = (): readonly string[] => readdirSync(dist, { recursive: true, encoding: "utf8" });
const read = (file: string): string => readFileSync(join(dist, file), "utf8");
const idsOf = (html: string): ReadonlySet<string> => new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id));

beforeAll(async () => {
  const { code, output } = await make(["site"]);
  if (code !== 0) throw new Error(output);
}, 300_000);

test("every page of docs/ is there, and every link and picture of every page leads somewhere", () => {
  const pages = files().filter((file) => file.endsWith(".html"));
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".md"));
  expect(
    docs.map((file) => file.replace(/README\.md$/, "index.md").replace(/\.md$/, ".html")).filter((page) => !pages.includes(page)),
  ).toEqual([]);
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/ (?:href|src|srcset)="([^"]+)"/g)]
      .map(([, link = ""]) => link.replaceAll("&amp;", "&"))
      .filter((link) => !/^(https?|mailto|data):/.test(link) && !leads(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});
function leads(page: string, link: string): boolean {
  const url = new URL(link, `http://site/${page}`);
  const path = decodeURIComponent(url.pathname).slice(1);
  const file = [path, `${path}.html`, join(path, "index.html")].find((one) => existsSync(join(dist, one)) && extname(one) !== "");
  if (file === undefined) return false;
  return url.hash === "" || !file.endsWith(".html") || idsOf(read(file)).has(decodeURIComponent(url.hash.slice(1)));
}

test("nothing that is built fetches from elsewhere: no script, style, font or picture", () => {
  const fetched =
    /<(?:script|img|source|link|iframe)\b[^>]* (?:src|srcset|href)="(?:https?:)?\/\/|@import\s+(?:url\()?["']?(?:https?:)?\/\/|url\(\s*["']?(?:https?:)?\/\//;
  const built = files().filter((file) => /\.(html|css|js|svg)$/.test(file));
  expect(built.length).toBeGreaterThan(50);
  expect(built.filter((file) => fetched.test(read(file)))).toEqual([]);
  expect(built.filter((file) => /\.(woff2?|ttf|otf)$/.test(file))).toEqual([]);
});

test("every diagram of the documentation is drawn, and has a name", () => {
  const sources = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => [...readFileSync(join(root, "docs", file), "utf8").matchAll(/^```mermaid$/gm)]);
  const drawn = files()
    .filter((file) => file.endsWith(".html"))
    .flatMap((file) => [...read(file).matchAll(/<svg role="img" aria-label="[^"]+"/g)]);
  expect(sources.length).toBeGreaterThanOrEqual(6);
  expect(drawn).toHaveLength(sources.length);
});

describeWith("chromium")("in a browser", () => {
  const started = new AsyncDisposableStack();
  const missing: string[] = [];
  let url: string;
  let wide: Page;
  let narrow: Page;
  beforeAll(async () => {
    const server = createServer((request, response) => {
      const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname));
      const file = [path, `${path}.html`, join(path, "index.html")]
        .map((one) => join(dist, one))
        .find((one) => existsSync(one) && extname(one) !== "");
      if (file === undefined) {
        missing.push(path);
        response.writeHead(404).end();
      } else
        response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    started.defer(() => void server.close());
    started.defer(() => server.closeAllConnections());
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { chromium = "" } = projectTools();
    wide = started.use(await startBrowser(chromium, { width: 1280, height: 900 }));
    narrow = started.use(await startBrowser(chromium, { width: 390, height: 844 }));
  });
  afterAll(() => started.disposeAsync());

  /** Opens it, and keeps a picture where that is asked for. */
  async function show(page: Page, path: string, scheme: "light" | "dark", name: string): Promise<void> {
    await page.prefer(scheme);
    await page.open(url + path);
    const folder = process.env["HOLDFAST_SCREENSHOT"];
    if (folder !== undefined) writeFileSync(join(folder, `${name}.png`), await page.screenshot());
  }
  async function becomes<T>(look: () => Promise<T>, expected: T): Promise<void> {
    expect(await eventually(look, (seen) => seen === expected, longMs)).toBe(expected);
  }
  const background = (page: Page): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");

  test.each(["", "delivery", "http-client", "install", "guide/", "architecture", "api/httpresource"])(
    "/%s is read in light and dark",
    async (path) => {
      await show(wide, path, "light", `light-${path.replaceAll("/", "-")}`);
      await becomes(() => background(wide), "rgb(255, 255, 255)");
      await show(wide, path, "dark", `dark-${path.replaceAll("/", "-")}`);
      await becomes(() => background(wide), "rgb(27, 27, 31)");
      expect(await wide.evaluate("document.querySelector('h1').textContent.length > 3")).toBe(true);
    },
    180_000,
  );

  test.each(["", "delivery", "guide/", "api/httpresource"])(
    "/%s fits a narrow screen: only tables, code and pictures scroll sideways",
    async (path) => {
      await show(narrow, path, "light", `narrow-${path.replaceAll("/", "-")}`);
      await becomes(() => narrow.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    },
    180_000,
  );

  test("a diagram's text stands apart from what is behind it, in light and dark", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await show(wide, "delivery", scheme, `diagram-${scheme}`);
      const light = (colour = ""): number => Math.max(...(colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
      const apart = async (): Promise<number> => {
        const [ink, paper] = await wide.evaluate<string[]>(
          "(() => { const text = document.querySelector('.diagram text'); return [getComputedStyle(text).fill, getComputedStyle(document.body).backgroundColor]; })()",
        );
        return Math.abs(light(ink) - light(paper));
      };
      expect(await eventually(apart, (difference) => difference > 120, longMs)).toBeGreaterThan(120);
    }
  });

  test("the search finds a page without a network", async () => {
    await show(wide, "", "light", "search-before");
    // The page listens to no button before its script has run.
    const isOpen = async (): Promise<boolean> => {
      const has = "document.querySelector('#localsearch-input') !== null";
      return wide.evaluate<boolean>(
        `${has} || (document.querySelector('.DocSearch-Button, .VPNavBarSearch button')?.click(), false)`,
      );
    };
    expect(await eventually(isOpen, (is) => is, longMs)).toBe(true);
    await wide.evaluate(
      "(() => { const input = document.querySelector('#localsearch-input'); input.value = 'OutcomeUnknown'; input.dispatchEvent(new Event('input', { bubbles: true })); })()",
    );
    const results = "[...document.querySelectorAll('.VPLocalSearchBox .result')].map((e) => e.textContent).join('\\n')";
    const found = await eventually(
      () => wide.evaluate<string>(results),
      (text) => text.includes("Delivery"),
      longMs,
    );
    expect(found).toContain("Delivery: what is sent how often");
  });

  test("no page asked for anything elsewhere, missed anything, or complained", () => {
    const asked = [...wide.asked, ...narrow.asked].filter((asking) => !asking.startsWith("data:"));
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((asking) => !asking.startsWith(url))).toEqual([]);
    expect(missing.filter((path) => path !== "/favicon.ico")).toEqual([]);
    expect([...wide.complaints, ...narrow.complaints].filter((text) => !text.includes("favicon"))).toEqual([]);
  });
});
