/**
 * Manifests from files: Holdfast's own kinds, validated and defaulted as the API server would, Secrets and ConfigMaps.
 *
 * All or nothing: with one thing wrong nothing is loaded, and everything that is wrong is told at once. No error quotes
 * what a Secret holds.
 */
import { setTimeout } from "node:timers/promises";
import type { Path } from "../api/problem.ts";
import { digest } from "../core/digest.ts";
import { keyText, type ResourceKey, type ResourceType } from "../core/resource.ts";
import { readFiles, type Files } from "./files.ts";
import { readObject, type ManifestData, type ManifestObject } from "./object.ts";
import { readYAML } from "./yaml.ts";

export interface Manifests {
  readonly objects: readonly ManifestObject[];
  /** Secrets and ConfigMaps. */
  readonly data: readonly ManifestData[];
  /** `FILE:LINE: message` for each object of a kind that is not ours. */
  readonly ignored: readonly string[];
}
export type LoadedManifests =
  | { readonly type: "loaded"; readonly manifests: Manifests }
  /** `FILE:LINE: FIELD: message`, in the order of the files. */
  | { readonly type: "invalid"; readonly errors: readonly string[] };

/** Reads files, and folders with all below them. Never throws for what is in them or missing. */
export async function loadManifests(paths: readonly string[]): Promise<LoadedManifests> {
  return manifestsOf(await readFiles(paths));
}

/**
 * Loads as `loadManifests` does: at once, and then whenever a file came, went or differs.
 * Ends when `signal` aborts. `intervalMs`: how often it looks.
 */
export async function* watchManifests(
  paths: readonly string[],
  signal: AbortSignal,
  intervalMs = 1000,
): AsyncGenerator<LoadedManifests, void> {
  let last = "";
  while (!signal.aborted) {
    const files = await readFiles(paths);
    const contents = digest(files);
    if (contents !== last) yield manifestsOf(files);
    last = contents;
    // Aborting is the one reason for it to fail, and the loop's condition sees that.
    await setTimeout(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

function manifestsOf({ files, errors: unreadable }: Files): LoadedManifests {
  const errors = [...unreadable];
  const objects: ManifestObject[] = [];
  const data: ManifestData[] = [];
  const ignored: string[] = [];
  const places = new Map<string, string>();

  /** Whether it is the first of its kind and name. */
  function isFirst(type: ResourceType, key: ResourceKey, place: string): boolean {
    const identity = `${type.kind} ${keyText(key)}`;
    const first = places.get(identity);
    places.set(identity, first ?? place);
    if (first !== undefined) errors.push(`${place}: metadata.name: ${identity} is declared already, at ${first}`);
    return first === undefined;
  }

  for (const { path, text } of files) {
    const yaml = readYAML(text);
    errors.push(...yaml.errors.map(({ line, message }) => `${path}:${line}: ${message}`));
    for (const document of yaml.documents) {
      const place = (at: Path): string => `${path}:${document.lineOf(at)}`;
      for (const read of readObject(document.value)) {
        switch (read.type) {
          case "object":
            if (isFirst(read.object.type, read.object.key, place([...read.at, "metadata", "name"]))) objects.push(read.object);
            break;
          case "data":
            if (isFirst(read.data.type, read.data.key, place([...read.at, "metadata", "name"]))) data.push(read.data);
            break;
          case "problem":
            errors.push(`${place(read.problem.at)}: ${read.problem.path}${read.problem.path && ": "}${read.problem.message}`);
            break;
          case "ignored":
            ignored.push(`${place(read.at)}: ${read.message}`);
            break;
        }
      }
    }
  }
  return errors.length > 0 ? { type: "invalid", errors } : { type: "loaded", manifests: { objects, data, ignored } };
}
