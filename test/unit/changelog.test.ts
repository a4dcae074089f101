import { describe, expect, test } from "@jest/globals";
import { chartOfVersion, entryOf, otherVersions, withRelease } from "../../tools/release/changelog.ts";

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
    expect(released).toContain("## Unreleased\n\n## 0.2.0 (2026-03-04)\n\n### Added\n\n- one $& two\n\n## 0.1.0 (2026-01-02)\n");
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
