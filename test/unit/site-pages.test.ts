import { describe, expect, test } from "@jest/globals";
import { menuOf, sitePath, titleOf, withSiteLinks } from "../../tools/site/pages.ts";

const folders = new Set(["docs/guide", "docs/adr"]);
const linked = (text: string, page = "docs/guide/fan-out.md"): string =>
  withSiteLinks(text, page, { projectURL: "https://git.example.com/holdfast", folders });

describe("a link of a page of docs/, on the site", () => {
  test.each([
    ["[a](share.md)", "[a](/guide/share.md)"],
    ["[a](../delivery.md#guarantees)", "[a](/delivery.md#guarantees)"],
    ["[a](README.md)", "[a](/guide/index.md)"],
    ["[a](../adr)", "[a](/adr/index.md)"],
    ["[a](../adr/)", "[a](/adr/index.md)"],
    ["[a](../../examples/)", "[a](https://git.example.com/holdfast/blob/main/examples)"],
    ["[a](../../SECURITY.md#reporting)", "[a](https://git.example.com/holdfast/blob/main/SECURITY.md#reporting)"],
    ["[a](#here)", "[a](#here)"],
    ["[a](https://a.example/b.md)", "[a](https://a.example/b.md)"],
    ["`[a](share.md)` [b](share.md)", "`[a](share.md)` [b](/guide/share.md)"],
    ["```\n[a](share.md)\n```\n[b](share.md)", "```\n[a](share.md)\n```\n[b](/guide/share.md)"],
  ])("%j becomes %j", (text, there) => {
    expect(linked(text)).toBe(there);
  });

  test("leads from a page at the top, too", () => {
    expect(linked("[a](guide/README.md) [b](../src/main.ts)", "docs/delivery.md")).toBe(
      "[a](/guide/index.md) [b](https://git.example.com/holdfast/blob/main/src/main.ts)",
    );
  });
});

const needed = [
  "try-it",
  "guide/README",
  "install",
  "faq",
  "glossary",
  "troubleshooting",
  "delivery",
  "remote-objects",
  "http-client",
]
  .concat(["egress", "threat-model", "reasons", "metrics", "operations", "gitops", "performance", "architecture"])
  .map((name) => `${name}.md`);
const titles = (...more: readonly string[]): ReadonlyMap<string, string> =>
  new Map([...needed, ...more].map((path) => [path, path.toUpperCase()]));

describe("the menu", () => {
  test("has every page once: those of a folder in the order of their names, those of no group last", () => {
    const menu = menuOf(titles("guide/b.md", "guide/a.md", "new.md"));
    const links = menu.flatMap(({ items }) => items.map(({ link }) => link));
    expect(new Set(links).size).toBe(needed.length + 3);
    expect(menu.find(({ text }) => text === "Guide")?.items.map(({ link }) => link)).toEqual(["/guide/a", "/guide/b"]);
    expect(menu.at(-1)).toEqual({ text: "More", items: [{ text: "NEW.MD", link: "/new" }] });
    expect(links).toContain("/guide/");
  });

  test("is refused where it names a page that there is not", () => {
    expect(() => menuOf(new Map([["faq.md", "Questions"]]))).toThrow("which there is not");
  });
});

test("a page stands at its own path, and a README at its folder's", () => {
  expect(sitePath("docs/guide/README.md")).toBe("guide/index.md");
  expect(sitePath("docs/delivery.md")).toBe("delivery.md");
  expect(titleOf("# What `jq` sees\n\n## More")).toBe("What jq sees");
  expect(() => titleOf("text")).toThrow("no title");
});
