/** Finds and reads the files that `-f` names, in the order in which kubectl would. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { digest } from "../core/tools/digest.ts";

interface FileText {
  readonly path: string;
  /** What was named and holds it, as an absolute path; absent where it cannot be read again, as with a pipe. */
  readonly source?: string;
  readonly text: string;
  /** When it had been written last, as it was about to be read; milliseconds since 1970. */
  readonly writtenMs: number;
}
export interface Files {
  readonly files: readonly FileText[];
  /** `PATH: message`. */
  readonly errors: readonly string[];
  /** All that was named and can be followed, as absolute paths. */
  readonly sources: readonly string[];
}

/** Far above any manifest: etcd takes objects of 1.5 MiB. */
const maxFileBytes = 32 * 1024 * 1024;
const extensions = /\.(yaml|yml|json)$/;

/** A file is read whatever it is called; a folder with those below it, as far as they are YAML or JSON by name. */
export async function readFiles(paths: readonly string[]): Promise<Files> {
  const files: FileText[] = [];
  const errors: string[] = [];
  const sources: string[] = [];
  for (const path of paths) {
    const source = (await areFollowable([path])) ? resolve(path) : undefined;
    if (source !== undefined) sources.push(source);
    const found = await explainRead(path, () => filesBelow(path));
    if (Array.isArray(found) && found.length === 0) errors.push(`${path}: holds no file that ends in .yaml, .yml or .json`);
    else if (typeof found === "string") errors.push(found);
    else
      for (const file of found) {
        const read = await explainRead(file, () => readText(file));
        if (typeof read === "string") errors.push(read);
        else files.push({ ...read, ...(source !== undefined && { source }) });
      }
  }
  return { files, errors, sources };
}

/** Whether they can be read again and give what they hold then, as a pipe cannot. What is missing now may be there then. */
export async function areFollowable(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return found.every((one) => !one || one.isFile() || one.isDirectory());
}

async function filesBelow(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  // Links to folders are not followed, as kubectl does not: mounted ConfigMaps have one beside the files.
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && extensions.test(entry.name));
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted((a, b) => (a < b ? -1 : 1));
}

/** More than the steps of a file system's times, some of which are seconds. */
const freshMs = 3_000;

/**
 * What tells, without reading the files, whether one of them was written, came or went since: the same text each time, unless. Undefined:
 * that was a moment ago, and the next time could leave the same marks.
 */
export async function marksOf(paths: readonly string[], nowMs = Date.now()): Promise<string | undefined> {
  const marks: string[] = [];
  let isFresh = false;
  for (const path of paths) {
    const found = await explainRead(path, () => filesBelow(path));
    for (const file of typeof found === "string" ? [] : found) {
      const state = await explainRead(file, () => stat(file, { bigint: true }));
      if (typeof state === "string") return undefined; // it has gone, or is about to be another
      const { dev, ino, size, mtimeNs, ctimeNs } = state;
      marks.push([file, dev, ino, size, mtimeNs, ctimeNs].join(" "));
      isFresh ||= nowMs - Number(ctimeNs / 1_000_000n) < freshMs;
    }
    if (typeof found === "string") marks.push(found);
  }
  return isFresh ? undefined : digest(marks);
}

async function readText(path: string): Promise<FileText> {
  const { size, mtimeMs: writtenMs } = await stat(path);
  if (size > maxFileBytes) throw new UnreadableError(`larger than ${maxFileBytes / 1024 / 1024} MiB`);
  const bytes = await readFile(path);
  try {
    return { path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), writtenMs };
  } catch (cause) {
    throw new UnreadableError("not UTF-8 text", { cause });
  }
}

class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** What `read` gives, or why it could not be read, as one line. */
async function explainRead<T extends object>(path: string, read: () => Promise<T>): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreadableError) return `${path}: ${error.message}`;
    const code = Error.isError(error) && "code" in error ? String(error.code) : "unknown error";
    return `${path}: ${reasons[code] ?? code}`;
  }
}
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "no permission to read it",
  EISDIR: "a folder, not a file",
  ELOOP: "a link that leads to itself",
};
