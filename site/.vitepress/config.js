/** The site: `make site`. Everything that it shows and loads is in what is built; the search runs in the reader's browser. */
import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { anchorOf } from "../../tools/site/pages.ts";
import { diagramSVG } from "./diagrams.js";

const menu = JSON.parse(readFileSync(new URL("../pages/menu.json", import.meta.url), "utf8"));

export default defineConfig({
  title: "Holdfast",
  description: "Declare HTTP requests as Kubernetes resources",
  lang: "en",
  base: process.env["SITE_BASE"] ?? "/",
  srcDir: "pages",
  outDir: "dist",
  cacheDir: ".vitepress/cache",
  cleanUrls: false,
  // A link to a page that there is not ends the build; test/project/site.test.ts looks at anchors, too.
  ignoreDeadLinks: false,
  vite: {
    plugins: [
      {
        // The theme would fetch the icon of a social network that it does not know from there; the site shows none.
        name: "no-icons-from-elsewhere",
        transform: (code, id) => (id.includes("VPSocialLink") ? code.replaceAll("https://api.iconify.design", "") : undefined),
      },
    ],
  },
  markdown: {
    anchor: { slugify: anchorOf },
    config(markdown) {
      const { fence, text, code_inline: code } = markdown.renderer.rules;
      // Vue would take braces for an expression of its own.
      for (const [name, rule] of Object.entries({ text, code_inline: code }))
        markdown.renderer.rules[name] = (...args) => rule(...args).replaceAll("{{", "&#123;&#123;");
      markdown.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index];
        return info.trim() === "mermaid" ? diagramSVG(content) : fence(tokens, index, ...rest);
      };
    },
  },
  themeConfig: {
    nav: [
      { text: "Guide", link: "/guide/" },
      { text: "Install", link: "/install" },
      { text: "Reasons", link: "/reasons" },
      { text: "API", link: "/api/" },
    ],
    sidebar: menu,
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [],
  },
});
