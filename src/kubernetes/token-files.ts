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
  const tokenFiles = new Map((file === undefined ? defaultFiles() : [file]).toReversed().flatMap(tokenFilesIn));
  kubeConfig.users = kubeConfig.users.map((user) => {
    const tokenFile = tokenFiles.get(user.name);
    if (tokenFile === undefined) return user;
    const { token: _, ...others } = user; // the file goes first, as in client-go
    return { ...others, authProvider: { name: "tokenFile", config: { tokenFile } } };
  });
}

function defaultFiles(): readonly string[] {
  const named = process.env["KUBECONFIG"]?.split(delimiter).filter((path) => path !== "") ?? [];
  return named.length > 0 ? named : [join(homedir(), ".kube", "config")];
}

/** Absolute paths by the users' names; a relative one is the kubeconfig's neighbour. None where there is no such file: in a Pod. */
function tokenFilesIn(file: string): readonly (readonly [string, string])[] {
  const config: unknown = parse(readIfThere(file));
  const users: unknown = isRecord(config) ? config["users"] : [];
  return (Array.isArray(users) ? users : []).flatMap((entry: unknown) => {
    const { name, user } = isRecord(entry) ? entry : {};
    const tokenFile = isRecord(user) ? user["tokenFile"] : undefined;
    return typeof name === "string" && typeof tokenFile === "string" && tokenFile !== ""
      ? [[name, resolve(dirname(file), tokenFile)] as const]
      : [];
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (Error.isError(error) && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
