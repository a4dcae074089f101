/**
 * The `tokenFile` of a kubeconfig's users, which client-node 2.0 does not know. A file is handed to its own reader of token
 * files, which looks at it again each minute, as client-go does.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { isRecord } from "../core/tools/json.ts";

/** `file`: the one that was loaded; where not given, those that kubectl would take. Throws what reading and parsing them throws. */
export function useTokenFiles(kubeConfig: KubeConfig, file: string | undefined): void {
  const tokenFiles = new Map(filesOf(file).toReversed().flatMap(tokenFilesIn));
  kubeConfig.users = kubeConfig.users.map((user) => {
    const tokenFile = tokenFiles.get(user.name);
    if (tokenFile === undefined) return user;
    const { token: _, ...others } = user; // the file goes first, as in client-go
    return { ...others, authProvider: { name: "tokenFile", config: { tokenFile } } };
  });
}

/** `file`, or those that kubectl would take: the first has the last word. */
export function filesOf(file: string | undefined): readonly string[] {
  if (file !== undefined) return [file];
  const named = process.env["KUBECONFIG"]?.split(delimiter).filter((path) => path !== "") ?? [];
  return named.length > 0 ? named : [join(homedir(), ".kube", "config")];
}

/** Absolute paths by the users' names; a relative one is the kubeconfig's neighbour. None where there is no such file: in a Pod. */
function tokenFilesIn(file: string): readonly (readonly [string, string])[] {
  return entriesIn(file, "users").flatMap(({ name, user }) => {
    const tokenFile = isRecord(user) ? user["tokenFile"] : undefined;
    return typeof name === "string" && typeof tokenFile === "string" && tokenFile !== ""
      ? [[name, resolve(dirname(file), tokenFile)] as const]
      : [];
  });
}

/** What a kubeconfig has under this name; nothing where there is no such file. Throws what reading and parsing it throws. */
export function entriesIn(file: string, what: "users" | "clusters"): readonly Readonly<Record<string, unknown>>[] {
  const config: unknown = parse(readIfThere(file));
  const entries: unknown = isRecord(config) ? config[what] : [];
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (Error.isError(error) && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
