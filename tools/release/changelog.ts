/**
 * The changelog of a release. As a program:
 *
 *     node tools/release/changelog.ts entry 0.2.0      prints what changed in it; fails where nothing is written, or
 *                                                      where package.json or the chart is of another version
 *     node tools/release/changelog.ts prepare 0.2.0    turns "Unreleased" into its entry, and sets all versions to it
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const unreleased = "## Unreleased";
/** https://semver.org, without build metadata, which no tag of an image can have. */
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/;

/** The text below the version's heading. Throws where there is none. */
export function entryOf(changelog: string, version: string): string {
  const heading = new RegExp(`^## ${RegExp.escape(version)}(?: \\(.*\\))?$`);
  const lines = changelog.split("\n");
  const first = lines.findIndex((line) => heading.test(line));
  if (first === -1)
    throw new Error(`CHANGELOG.md has no entry "## ${version}": make prepare-release VERSION=${version} writes it`);
  const next = lines.findIndex((line, index) => index > first && line.startsWith("## "));
  const entry = lines
    .slice(first + 1, next === -1 ? undefined : next)
    .join("\n")
    .trim();
  if (entry === "") throw new Error(`CHANGELOG.md says nothing of ${version}`);
  return `${entry}\n`;
}

/** What was unreleased is of this version now, and an empty heading stands above it. `date`: YYYY-MM-DD. */
export function withRelease(changelog: string, version: string, date: string): string {
  if (!semver.test(version)) throw new Error(`VERSION=${version} is no semantic version`);
  if (changelog.includes(`\n## ${version} (`)) throw new Error(`CHANGELOG.md has an entry for ${version} already`);
  if (!changelog.includes(`\n${unreleased}\n`)) throw new Error(`CHANGELOG.md has no heading "${unreleased}"`);
  const released = changelog.replace(`\n${unreleased}\n`, () => `\n${unreleased}\n\n## ${version} (${date})\n`);
  entryOf(released, version);
  return released;
}

/** A Chart.yaml of this version, whose image is, too. */
export function chartOfVersion(chart: string, version: string): string {
  return chart
    .replace(/^version: .*$/m, () => `version: ${version}`)
    .replace(/^appVersion: .*$/m, () => `appVersion: ${version}`)
    .replace(/^(\s+(?:- )?image: \S+:)\S+$/m, (_, image: string) => image + version);
}

/** Versions that differ from the one that is to be released, each with its file. */
export function otherVersions(files: { readonly manifest: string; readonly chart: string }, version: string): readonly string[] {
  const found = [
    ["package.json", (JSON.parse(files.manifest) as { version: string }).version],
    ...["version", "appVersion"].map((field) => [
      `charts/holdfast/Chart.yaml, ${field}`,
      new RegExp(`^${field}: (.*)$`, "m").exec(files.chart)?.[1] ?? "",
    ]),
  ];
  return found.filter(([, has]) => has !== version).map(([where, has]) => `${where}: ${has}`);
}

function main([command, version = ""]: readonly string[]): void {
  const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);
  const read = (path: string): string => readFileSync(file(path), "utf8");
  const [changelog, chart, manifest] = [read("CHANGELOG.md"), read("charts/holdfast/Chart.yaml"), read("package.json")];
  if (command === "prepare") {
    const released = withRelease(changelog, version, new Date().toISOString().slice(0, 10));
    writeFileSync(file("CHANGELOG.md"), released);
    writeFileSync(file("charts/holdfast/Chart.yaml"), chartOfVersion(chart, version));
    return;
  }
  const entry = entryOf(changelog, version);
  const others = otherVersions({ manifest, chart }, version);
  if (others.length > 0) throw new Error(`not of version ${version}: ${others.join("; ")}`);
  process.stdout.write(entry);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${Error.isError(error) ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
