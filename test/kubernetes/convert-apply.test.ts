/** What `holdfast convert` writes, put through kubectl and an API server: what is there then sends the same. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { manifestText } from "../../src/cli/manifest-text.ts";
import { canonicalJSON, parseJSON } from "../../src/core/tools/json.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { runs } from "../support/fuzz.ts";
import { peerDisposable, translator } from "../support/peer-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

// Others no apply gets to an API server, which reads what kubectl sends as YAML.
const odd = ["\0", "\u0001", "\t", "\n", "\r", "\ufffd", "😀"];
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...odd, "a", " ", ":", "#", "'", '"', "\\", "{", "$", "é", "日"), maxLength: 8 }),
  fc.constantFrom(
    "",
    "null",
    "yes",
    "0x1F",
    "1_000",
    "1e3",
    "012",
    ".inf",
    "2026-01-01",
    "<<",
    "=",
    "~",
    "- a",
    "---",
    "|",
    "!!str",
    "*a",
  ),
);
// As JSON writes them: "#12" stands for the number.
const number = fc.constantFrom(
  "0",
  "-1",
  "1.5",
  "1e-7",
  "1e+21",
  "1e+300",
  "5e-324",
  "100000000000000000000",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
);
const value = fc.letrec((tie) => ({
  one: fc.oneof(
    { maxDepth: 3 },
    text,
    number.map((digits) => `#${digits}#`),
    fc.boolean(),
    fc.constant(null),
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("one"), { maxLength: 3 }),
  object: fc.dictionary(text, tie("one"), { maxKeys: 4, noNullPrototype: true }),
})).object;

describeWithControlPlane("manifests that convert writes", (plane) => {
  test("what is escaped is applied, and what a server-side apply refuses is not applied by that", async () => {
    const namespace = await plane.createNamespace("convert-escapes");
    const file = (name: string, character: string): string =>
      manifestText({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { a: `x${character}y` } });
    const refused = ["\u007F", "\u0081", "\uFFFE", "\uFFFF"];
    await using folder = await mkdtempDisposable(join(tmpdir(), "escapes-"));
    for (const [index, character] of [...refused, "\u0085", "\u2028", "\uFEFF", "\u0007"].entries()) {
      const text = file(`c${index}`, character);
      const isApplied = await plane.apply(text).then(
        () => true,
        () => false,
      );
      expect([index, isApplied]).toEqual([index, !refused.includes(character)]);
      const path = join(folder.path, `${index}.yaml`);
      await writeFile(path, text);
      expect((await plane.kubectl("apply", "-f", path)).code).toBe(0);
      const { body } = await plane.admin("GET", `/api/v1/namespaces/${namespace}/configmaps/c${index}`);
      expect((body as { readonly data?: object }).data).toEqual({ a: `x${character}y` });
    }
  }, 150_000);

  test("property: an API server has the bodies that were written, as values and as text", async () => {
    const namespace = await plane.createNamespace("convert-apply");
    await using evaluator = createEvaluator({ deadlineMs: 20_000 });
    const translated = translator(evaluator);
    const bodies = fc.sample(value, runs(80)).map((one) => JSON.stringify(one).replaceAll(/"#([-+.e\d]+)#"/g, "$1"));
    const manifests: { readonly name: string; readonly spec: unknown; readonly text: string }[] = [];
    for (const [index, body] of bodies.entries())
      for (const idiomatic of [true, false]) {
        const name = `body-${index}-${idiomatic ? "value" : "text"}`;
        const metadata = { name, namespace };
        const { manifest, findings } = await translated(peerDisposable({ method: "PUT", body }, { metadata }), {
          choices: { idiomatic },
        });
        if (!manifest) throw new Error(JSON.stringify(findings));
        manifests.push({
          name,
          spec: { ...manifest.spec, suspend: true },
          text: manifestText({ ...manifest, spec: { ...manifest.spec, suspend: true } }),
        });
      }
    // The second time it is a patch of what is there.
    for (const _ of [1, 2]) await plane.apply(manifests.map((one) => one.text).join("---\n"));
    const { stdout } = await plane.kubectl("get", "httprequests", "-n", namespace, "-o", "json");
    const { items } = parseJSON(stdout) as {
      readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec: { readonly body: unknown } }[];
    };
    const there = new Map(items.map(({ metadata, spec }) => [metadata.name, canonicalJSON(spec.body)]));
    const differing = manifests.flatMap(({ name, spec }) => {
      const { body } = spec as { readonly body: unknown };
      return there.get(name) === canonicalJSON(body) ? [] : [[canonicalJSON(body), there.get(name)]];
    });
    expect(differing).toEqual([]);
    expect(manifests.filter(({ spec }) => "json" in (spec as { readonly body: object }).body).length).toBeGreaterThan(20);
  }, 150_000);
});
