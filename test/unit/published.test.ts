/** What is published with a release. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { chartOfVersion, entryOf, otherVersions, withRelease } from "../../tools/release/changelog.ts";
import { menuOf, sitePath, titleOf, withSiteLinks } from "../../tools/site/pages.ts";

describe("changelog", () => {
  const changelog = "# Changelog\n\n## Unreleased\n\n### Added\n\n- one $& two\n\n## 0.1.0 (2026-01-02)\n\n- first\n";

  describe("the changelog of a release", () => {
    test("is what stands below its heading, up to the next version's", () => {
      expect(entryOf(changelog, "0.1.0")).toBe("- first\n");
      expect(() => entryOf(changelog, "0.1")).toThrow('no entry "## 0.1"');
      expect(() => entryOf(changelog, "0x1.0")).toThrow("no entry");
      expect(() => entryOf("## 0.1.0\n\n## 0.0.1\n\n- a\n", "0.1.0")).toThrow("says nothing of 0.1.0");
    });

    test("is made of what was unreleased, once", () => {
      const released = withRelease(changelog, "0.2.0", "2026-03-04");
      expect(released).toContain(
        "## Unreleased\n\n## 0.2.0 (2026-03-04)\n\n### Added\n\n- one $& two\n\n## 0.1.0 (2026-01-02)\n",
      );
      expect(entryOf(released, "0.2.0")).toBe("### Added\n\n- one $& two\n");
      expect(() => withRelease(released, "0.2.0", "2026-03-04")).toThrow("has an entry for 0.2.0 already");
      expect(() => withRelease(released, "0.3.0", "2026-03-04")).toThrow("says nothing of 0.3.0");
      expect(() => withRelease("# Changelog\n", "0.3.0", "2026-03-04")).toThrow('no heading "## Unreleased"');
    });

    test.each(["", "1", "v1.2.3", "01.2.3", "1.2.3+build", "1.2.3; ls"])("has no version such as %j", (version) => {
      expect(() => withRelease(changelog, version, "2026-03-04")).toThrow("is no semantic version");
    });

    test("is not told while a file has another version", () => {
      const chart = "version: 0.1.0\nappVersion: 0.1.0\nannotations:\n  images: |\n    - image: a.example/b:0.1.0\n";
      const manifest = JSON.stringify({ version: "0.2.0" });
      expect(otherVersions({ manifest, chart }, "0.2.0")).toEqual([
        "charts/holdfast/Chart.yaml, version: 0.1.0",
        "charts/holdfast/Chart.yaml, appVersion: 0.1.0",
      ]);
      const newer = chartOfVersion(chart, "0.2.0");
      expect(newer).toBe(chart.replaceAll("0.1.0", "0.2.0"));
      expect(otherVersions({ manifest, chart: newer }, "0.2.0")).toEqual([]);
    });
  });
});

describe("site pages", () => {
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
});

// The Grafana dashboards as they are shipped; whether their expressions return data is what test/chart/prometheus.test.ts tells.
describe("dashboards", () => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description: string;
    readonly datasource: object;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly fieldConfig: { readonly defaults: { readonly unit: string } };
    readonly targets: readonly { readonly refId: string; readonly datasource: object; readonly expr: string }[];
  }
  interface Dashboard {
    readonly uid: string;
    readonly schemaVersion: number;
    readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
    readonly panels: readonly Panel[];
  }

  const folder = join(import.meta.dirname, "../../charts/holdfast/dashboards");
  const files = readdirSync(folder);
  const read = (file: string): Dashboard => JSON.parse(readFileSync(join(folder, file), "utf8")) as Dashboard;
  /** Of those that Grafana knows: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  const units = ["none", "ops", "reqps", "s", "bytes", "percentunit"];
  const chosen = { type: "prometheus", uid: "${datasource}" };

  test("there is one for what it does, for HTTP, for Kubernetes and for the process, each with an id of its own", () => {
    expect(files.toSorted()).toEqual(["http.json", "kubernetes.json", "overview.json", "process.json"]);
    expect(new Set(files.map((file) => read(file).uid)).size).toBe(files.length);
  });

  describe.each(files)("%s", (file) => {
    const { schemaVersion, templating, panels } = read(file);

    test("has the newest version of Grafana's classic model, and lets people choose data source, namespace and job", () => {
      expect(schemaVersion).toBe(42);
      expect(templating.list.map(({ name, type }) => `${type} ${name}`)).toEqual([
        "datasource datasource",
        "query namespace",
        "query job",
      ]);
    });

    test("says of each panel what it shows and in which unit, by panels that Grafana still has", () => {
      for (const { title, type, description, fieldConfig } of panels) {
        expect(title).not.toBe("");
        expect([title, description]).toEqual([title, expect.stringMatching(/^[A-Z0-9].+\.$/)]);
        expect([title, units]).toEqual([title, expect.arrayContaining([fieldConfig.defaults.unit])]);
        expect(["stat", "timeseries"]).toContain(type);
      }
      for (const field of ["id", "title"] as const) expect(new Set(panels.map((panel) => panel[field])).size).toBe(panels.length);
    });

    test("asks the data source that was chosen, for nothing but what was chosen", () => {
      for (const { title, datasource, targets } of panels) {
        expect([title, datasource]).toEqual([title, chosen]);
        for (const target of targets) {
          expect([title, target.datasource]).toEqual([title, chosen]);
          const selectors = target.expr.match(/\{[^}]*\}/g) ?? [];
          expect([title, selectors.length]).not.toEqual([title, 0]);
          for (const selector of selectors) expect(selector).toContain('job=~"$job",namespace=~"$namespace"');
        }
      }
    });

    test("has panels beside and below each other, none over another", () => {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
    });
  });
});
