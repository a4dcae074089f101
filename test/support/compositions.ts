/** The Compositions of the guide, and what comes of them: patches as function-patch-and-transform applies them, as far as they are used. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readYAML } from "../../src/standalone/yaml.ts";

interface Patch {
  readonly type?: string;
  readonly fromFieldPath: string;
  readonly toFieldPath: string;
  readonly transforms?: readonly { readonly string: { readonly fmt: string } }[];
}
interface Resource {
  readonly name: string;
  readonly base: object;
  readonly patches: readonly Patch[];
}
interface Composition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly pipeline: readonly {
      readonly input?: { readonly resources?: readonly Resource[]; readonly inline?: { readonly template: string } };
    }[];
  };
}

export function guideComposition(name: string): Composition {
  const page = readFileSync(join(import.meta.dirname, "../../docs/guide/compose-with-crossplane.md"), "utf8");
  const blocks = page
    .split("```yaml\n")
    .slice(1)
    .map((block) => block.split("```")[0] ?? "");
  const found = blocks
    .map((block) => readYAML(block).documents[0]?.value as Composition)
    .find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`the guide has no Composition ${name}`);
  return found;
}

const steps = (path: string): readonly (string | number)[] =>
  (path.match(/[^.[\]]+/g) ?? []).map((step) => (/^\d+$/.test(step) ? Number(step) : step));
const get = (from: unknown, path: string): unknown =>
  steps(path).reduce<unknown>((one, step) => (one as Record<string | number, unknown> | undefined)?.[step], from);
function set(into: object, path: string, value: unknown): void {
  const all = steps(path);
  const holder = all
    .slice(0, -1)
    .reduce(
      (one: Record<string | number, unknown>, step) => (one[step] ??= {}) as Record<string | number, unknown>,
      into as Record<string | number, unknown>,
    );
  holder[all.at(-1) ?? ""] = value;
}

/** What of the composite goes into the object; what it has not stays as in the base. */
export function patched({ base, patches }: Resource, composite: object): object {
  const object = structuredClone(base);
  for (const { type = "FromCompositeFieldPath", fromFieldPath, toFieldPath, transforms = [] } of patches) {
    const value = type === "FromCompositeFieldPath" ? get(composite, fromFieldPath) : undefined;
    if (value !== undefined)
      set(
        object,
        toFieldPath,
        transforms.reduce<unknown>(
          (text, { string }) => string.fmt.replace("%s", typeof text === "string" ? text : JSON.stringify(text)),
          value,
        ),
      );
  }
  return object;
}
/** What of the object goes into the composite. */
export function takenFrom({ patches }: Resource, object: object): object {
  const composite = {};
  for (const { type, fromFieldPath, toFieldPath } of patches)
    if (type === "ToCompositeFieldPath") set(composite, toFieldPath, get(object, fromFieldPath));
  return composite;
}
