/** Manifests that `holdfast run` keeps as declared, as a process of its own; what it knows is read from its state file. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import type { Condition } from "../../src/core/conditions.ts";
import { readState, type RememberedObject } from "../../src/standalone/state-reader.ts";
import { ending, start } from "../support/holdfast.ts";

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}
export interface Declared extends AsyncDisposable {
  /** From now on these are declared, and nothing else. */
  change(manifests: readonly Manifest[]): Promise<void>;
  /** Resolves once each of these is Ready as it is now declared. */
  ready(...names: readonly string[]): Promise<void>;
  /** An object's Ready: `False/NotAuthorized …`. */
  state(name: string): string;
  object(name: string): RememberedObject | undefined;
  /** An output's values. */
  output(name: string): Readonly<Record<string, string>>;
}

export const resource = (name: string, spec: object): Manifest => ours("HTTPResource", name, spec);
export const request = (name: string, spec: object): Manifest => ours("HTTPRequest", name, spec);
export const endpoint = (name: string, spec: object): Manifest => ours("HTTPEndpoint", name, spec);
export const secret = (name: string, stringData: object): Manifest => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
});
function ours(kind: string, name: string, spec: object): Manifest {
  return { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec };
}

/** Looks ten times a second. Throws, with what `otherwise` says then, after 60 s. */
export async function until(look: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  for (const giveUpMs = performance.now() + 60_000; !(await look()); await sleep(100))
    if (performance.now() > giveUpMs) throw new Error(otherwise());
}

export async function declare(manifests: readonly Manifest[]): Promise<Declared> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-real-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const [file, data] = [join(folder, "all.yaml"), join(folder, "state.db")];
  /** A folder without any manifest is refused, so there is always one of nothing. */
  async function change(next: readonly Manifest[]): Promise<void> {
    const all = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "always" } }, ...next];
    await writeFile(`${file}.next`, all.map((one) => stringify(one)).join("---\n"));
    await rename(`${file}.next`, file);
  }
  await change(manifests);
  started.use(ending(start(["run", "-f", file, "--data", data, "--log-level", "error"])));
  const object = (name: string): RememberedObject | undefined => {
    try {
      return readState(data).objects.find(({ metadata }) => metadata.name === name);
    } catch {
      return undefined; // not there yet
    }
  };
  function readyOf(name: string): Condition | undefined {
    const { status, metadata } = object(name) ?? {};
    const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
    return conditions.find(({ type, observedGeneration }) => type === "Ready" && observedGeneration === metadata?.generation);
  }
  const state = (name: string): string => {
    const { status, reason, message } = readyOf(name) ?? { status: "-", reason: "-", message: "" };
    return `${status}/${reason} ${message}`;
  };
  const resources = started.move();
  return {
    change,
    object,
    state,
    ready: (...names) =>
      until(
        () => names.every((name) => readyOf(name)?.status === "True"),
        () => names.map((name) => `${name}: ${state(name)}`).join("; "),
      ),
    output: (name) => {
      const { data: base64 = {} } = readState(data).outputs.find((one) => one.name === name) ?? {};
      return Object.fromEntries(Object.entries(base64).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
