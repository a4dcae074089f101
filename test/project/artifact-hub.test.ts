/** What the chart says of itself on Artifact Hub is so: https://artifacthub.io/docs/topics/annotations/helm/ */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";
import { read, root } from "./repository.ts";

const chart = parse(read("charts/holdfast/Chart.yaml")) as { version: string; annotations: Record<string, string> };
const annotation = (name: string): readonly Record<string, string>[] => parse(chart.annotations[`artifacthub.io/${name}`] ?? "");

test("its CRDs are those that it installs", () => {
  const installed = readdirSync(join(root, "crds")).map((file) => {
    const { metadata, spec } = parse(read(join("crds", file)));
    const [{ name: version, schema }] = spec.versions;
    return { kind: spec.names.kind, version, name: metadata.name, description: schema.openAPIV3Schema.description };
  });
  const told = annotation("crds");
  expect(told).toHaveLength(installed.length);
  expect(told).toEqual(
    expect.arrayContaining(installed.map((crd) => expect.objectContaining({ ...crd, displayName: expect.any(String) }))),
  );
});

test("its image is of its version, for the architectures that are built", () => {
  const images = annotation("images");
  expect(images).toEqual([
    { name: "holdfast", image: `registry.example.com/holdfast:${chart.version}`, platforms: ["linux/amd64", "linux/arm64"] },
  ]);
  expect(read("tools/release/push.sh")).toContain("--platform linux/amd64,linux/arm64");
});

test("its links lead to files of this repository, and its changes are of kinds that there are", () => {
  const links = annotation("links").map(({ url = "" }) => url.replace("https://git.example.com/holdfast/blob/main/", ""));
  expect(links.length).toBeGreaterThan(2);
  expect(links.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  const changes = annotation("changes");
  expect(changes.length).toBeGreaterThan(0);
  for (const { kind } of changes) expect(["added", "changed", "deprecated", "removed", "fixed", "security"]).toContain(kind);
});
