/**
 * Every Secret of a run's control plane is a canary: its values may be in no other object, event, status, log line or metric
 * of the whole run, in any form.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Where the controllers of a run keep what they log, and their last metrics, under the control plane's folder. */
export const controllerLogs = "controller-logs";

interface SecretObject {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Names each place that holds a Secret's value, without the value; and how many values were looked for, and where. */
export async function leaks(plane: ControlPlane): Promise<{ found: readonly string[]; values: number; places: number }> {
  const { items } = (await plane.admin("GET", "/api/v1/secrets")).body as { items: readonly SecretObject[] };
  const values = items.flatMap(({ metadata, data = {} }) =>
    Object.entries(data).flatMap(([key, encoded]) => {
      const value = Buffer.from(encoded, "base64").toString();
      // A certificate is public, and is in the ConfigMaps of authorities too.
      return value.length < 8 || value.startsWith("-----BEGIN CERTIFICATE")
        ? []
        : [{ at: `${metadata.namespace}/${metadata.name}: ${key}`, value }];
    }),
  );
  const places = [
    ...(await plane.storedObjects()).filter(({ at }) => !at.startsWith("/registry/secrets/")),
    ...(await logs(plane.address.folder)),
  ];
  const all = createSecretRegistry({ namespaceBytes: Infinity, totalBytes: Infinity });
  for (const { value } of values) all.add(value, "");
  const found = places
    .filter(({ text }) => all.scrub(text) !== text)
    .flatMap((place) =>
      values.flatMap(({ at, value }) => {
        const one = createSecretRegistry();
        one.add(value, "");
        return one.scrub(place.text) === place.text ? [] : [`${place.at} holds the value of Secret ${at}`];
      }),
    );
  return { found, values: values.length, places: places.length };
}

async function logs(folder: string): Promise<readonly { at: string; text: string }[]> {
  const path = join(folder, controllerLogs);
  const files = await readdir(path).catch(() => []);
  return Promise.all(files.map(async (file) => ({ at: `file ${file}`, text: await readFile(join(path, file), "utf8") })));
}
