/** The guide's Composition by Go templates, written out by Go's own engine with Helm's functions, which that function has as well. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { helmProgram } from "../support/chart-rights.ts";
import { guideComposition } from "../support/compositions.ts";
import { holdfast } from "../support/holdfast.ts";

test("each member is invited by a request of its own, and what a claim says is a value", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-templates-"));
  stack.defer(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "templates"));
  const template = guideComposition("invitations").spec.pipeline[0]?.input?.inline?.template ?? "";
  const title = 'The "blue" ${ .inputs.x }\n{{ team }}';
  const resource = { metadata: { name: "blue" }, spec: { title, members: ["a@example.org", "b: ${ .inputs }@x"] } };
  await writeFile(join(folder, "Chart.yaml"), "{apiVersion: v2, name: guide, version: 0.1.0}");
  await writeFile(join(folder, "values.yaml"), stringify({ observed: { composite: { resource } } }));
  await writeFile(join(folder, "templates/all.yaml"), `{{- define "all" }}${template}{{ end }}{{ include "all" .Values }}`);
  const { stdout } = await promisify(execFile)(await helmProgram(), ["template", "guide", folder], { encoding: "utf8" });
  await writeFile(join(folder, "made.yaml"), stdout);

  const shown = await holdfast(["render", "-f", join(folder, "made.yaml")]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  const bodies = [...shown.stdout.matchAll(/^body: '(.*)'$/gm)].map(([, body = ""]) => JSON.parse(body) as unknown);
  expect(bodies).toEqual(resource.spec.members.map((to) => ({ to, team: title })));
  expect(new Set(shown.stdout.match(/^# HTTPRequest .*$/gm)).size).toBe(2);
});
