/** `holdfast outputs`: the Secrets and ConfigMaps that requests made, out of a state file; the values of Secrets only if asked. */
import type { OutputsSettings } from "../config.ts";
import { secretType } from "../core/resource.ts";
import { definitions } from "../api/definitions.ts";
import { group } from "../api/kind-definition.ts";
import { readState, type RememberedObject, type RememberedOutput } from "../standalone/state-reader.ts";
import { print } from "./get.ts";
import { tableLines } from "./table.ts";

/** Returns the exit code: 1 where what is named is not there. Throws StateFileError. */
export function getOutputs(name: string | undefined, { data, namespace, output, showSecrets }: OutputsSettings): number {
  const { objects, outputs } = readState(data);
  const found = outputs.filter(
    (one) => (namespace === undefined || one.namespace === namespace) && (name === undefined || one.name === name),
  );
  const missing = `${name === undefined ? "no outputs" : `no output ${JSON.stringify(name)}`}${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
  if (found.length === 0) process.stderr.write(`${missing} in ${data}\n`);
  else if (output === undefined) printTable(found, objects);
  else
    print(
      found.map((one) => shownOutput(one, showSecrets)),
      output,
      name !== undefined,
    );
  return found.length === 0 && name !== undefined ? 1 : 0;
}

/** As `kubectl get secret`: how many values, and none of them. */
function printTable(outputs: readonly RememberedOutput[], objects: readonly RememberedObject[]): void {
  const owners = new Map(objects.map((one) => [one.metadata.uid, ownerText(one)]));
  const rows = outputs.map(({ namespace, kind, name, type = "", data, ownerUid }) => [
    namespace,
    kind,
    name,
    type,
    Object.keys(data).toSorted().join(","),
    owners.get(ownerUid) ?? "",
  ]);
  const lines = tableLines([["NAMESPACE", "KIND", "NAME", "TYPE", "DATA", "OWNER"], ...rows]);
  process.stdout.write(`${lines.join("\n")}\n`);
}
function ownerText({ resource, metadata }: RememberedObject): string {
  const kind = definitions.find(({ plural }) => resource === `${plural}.${group}`)?.kind ?? resource;
  return `${kind}/${metadata.name}`;
}

function shownOutput(output: RememberedOutput, showSecrets: boolean): object {
  const { kind, name, namespace, uid, type, labels, annotations } = output;
  const isSecret = kind === secretType.kind;
  const metadata = {
    name,
    namespace,
    uid,
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  const head = { apiVersion: "v1", kind, metadata, ...(type !== undefined && { type }) };
  if (!isSecret) return { ...head, ...configMapData(output) };
  const masked = Object.fromEntries(Object.keys(output.data).map((key) => [key, "***"]));
  return { ...head, data: showSecrets ? output.data : masked };
}

/** Text as it is; what is no UTF-8 in base64, as a ConfigMap has it. */
function configMapData({ data }: RememberedOutput): object {
  const decoded = Object.entries(data).map(([key, base64]) => {
    const bytes = Buffer.from(base64, "base64");
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes) ? { text: [key, text] as const } : { binary: [key, base64] as const };
  });
  const text = decoded.flatMap((one) => ("text" in one ? [one.text] : []));
  const binary = decoded.flatMap((one) => ("binary" in one ? [one.binary] : []));
  return { data: Object.fromEntries(text), ...(binary.length > 0 && { binaryData: Object.fromEntries(binary) }) };
}
