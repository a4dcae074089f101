/**
 * Manifests from files: Holdfast's own kinds, validated and defaulted as the API server would, Secrets and ConfigMaps.
 *
 * All or nothing: with one thing wrong nothing is loaded, and everything that is wrong is told at once. No error quotes
 * what a Secret holds.
 */
import { setTimeout } from "node:timers/promises";
import { digest } from "../core/tools/digest.ts";
import { keyText } from "../core/resource.ts";
import { marksOf, readFiles, type Files } from "./files.ts";
import { readObject, type Declared, type ManifestData, type ManifestObject } from "./object.ts";
import { readYAML, type YAMLError } from "./yaml.ts";

export interface Manifests {
  readonly objects: readonly ManifestObject[];
  /** Secrets and ConfigMaps. */
  readonly data: readonly ManifestData[];
  readonly namespaces: readonly Declared[];
  /** `FILE:LINE: message` for each object of a kind that is not ours. */
  readonly ignored: readonly string[];
  /** What was named to be read and can be followed, as absolute paths; absent: nothing. */
  readonly sources?: readonly string[];
}
export type LoadedManifests =
  | { readonly type: "loaded"; readonly manifests: Manifests }
  /** `FILE:LINE: FIELD: message`, in the order of the files. */
  | { readonly type: "invalid"; readonly errors: readonly string[] };

/** Reads files, and folders with all below them. Never throws for what is in them or missing. */
export async function loadManifests(paths: readonly string[]): Promise<LoadedManifests> {
  return manifestsOf(await readFiles(paths));
}

/** A look that finds a change is followed by another after this share of the interval. */
const settlingShare = 0.2;

/** Where nothing seems to have been written, all is read after so many looks nevertheless: not every file system tells. */
const mostUnread = 60;

/**
 * Loads as `loadManifests` does: at once, and then whenever a file came, went or differs, once two looks in a row find the
 * same, written at the same time: while a file is being written it is empty for a moment, or not there, and what it declares is
 * not to be deleted for that.
 * Ends when `signal` aborts. `intervalMs`: how often it looks.
 */
export async function* watchManifests(
  paths: readonly string[],
  signal: AbortSignal,
  intervalMs = 1000,
): AsyncGenerator<LoadedManifests, void> {
  let [told, seen] = ["", ""];
  /** Of what was told, as long as it was not written a moment before. */
  let marks: string | undefined;
  let unread = 0;
  // Aborting is the one reason for it to fail, and the loop's condition sees that.
  const pause = (ms: number): Promise<unknown> => setTimeout(ms, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    const found = await marksOf(paths);
    if (found !== undefined && found === marks && unread < mostUnread) {
      unread += 1;
      await pause(intervalMs);
      continue;
    }
    const files = await readFiles(paths);
    const contents = digest({ ...files, files: files.files.map(({ path, text }) => ({ path, text })) });
    const look = digest(files);
    if (contents !== told && (told === "" || look === seen)) {
      yield manifestsOf(files);
      told = contents;
    }
    seen = look;
    [marks, unread] = [contents === told ? found : undefined, 0];
    await pause(contents === told ? intervalMs : intervalMs * settlingShare);
  }
}

function manifestsOf({ files, errors: unreadable, sources }: Files): LoadedManifests {
  const errors = [...unreadable];
  const objects: ManifestObject[] = [];
  const data: ManifestData[] = [];
  const namespaces: Declared[] = [];
  const ignored: string[] = [];
  const places = new Map<string, string>();

  /** What is wrong with an object being there at all. */
  function findRepeated({ type, key }: Declared, path: string, line: number): readonly YAMLError[] {
    const identity = `${type.kind} ${keyText(key)}`;
    const first = places.get(identity);
    places.set(identity, first ?? `${path}:${line}`);
    return first === undefined ? [] : [{ line, message: `metadata.name: ${identity} is declared already, at ${first}` }];
  }

  for (const { path, text, source } of files) {
    const yaml = readYAML(text);
    const wrong: YAMLError[] = [...yaml.errors];
    for (const document of yaml.documents) {
      for (const read of readObject(document.value)) {
        const line = document.lineOf(read.at);
        const nameLine = document.lineOf([...read.at, "metadata", "name"]);
        switch (read.type) {
          case "object":
            objects.push({ ...read.object, ...(source !== undefined && { source }) });
            wrong.push(...findRepeated(read.object, path, nameLine));
            break;
          case "data":
            data.push(read.data);
            wrong.push(...findRepeated(read.data, path, nameLine));
            break;
          case "namespace":
            namespaces.push(read.namespace);
            break;
          case "problem":
            wrong.push({ line, message: read.message });
            break;
          case "ignored":
            ignored.push(`${path}:${line}: ${read.message}`);
            break;
        }
      }
    }
    const inOrder = wrong.toSorted((a, b) => a.line - b.line);
    errors.push(...inOrder.map(({ line, column, message }) => `${[path, line, column].filter(Boolean).join(":")}: ${message}`));
  }
  return errors.length > 0
    ? { type: "invalid", errors }
    : { type: "loaded", manifests: { objects, data, namespaces, ignored, sources } };
}
