/** Outputs before anything is sent: what would be written where, and, for whoever reads them, that they will be there. No values. */
import type { ReadResult, ResourceKey } from "../core/resource.ts";
import type { Output } from "../core/output.ts";

/** For people. */
export function shownOutputs(outputs: readonly Output[]): readonly object[] {
  return outputs.map(({ object, data, whenMissing }) => ({
    kind: object.type.kind,
    name: object.name,
    ...(object.secretType !== undefined && { type: object.secretType }),
    ...(Object.keys(object.labels).length > 0 && { labels: object.labels }),
    ...(Object.keys(object.annotations).length > 0 && { annotations: object.annotations }),
    data: Object.fromEntries(data.map(({ name, text }) => [name, text])),
    whenMissing,
  }));
}

/** What reading the object will give once it has been made, with three asterisks for each value; `undefined`: nobody makes it. */
export function plannedRead(
  outputs: readonly Output[],
  kind: "Secret" | "ConfigMap",
  key: ResourceKey,
): Extract<ReadResult, { type: "found" }> | undefined {
  const output = outputs.find(({ object }) => object.type.kind === kind && object.name === key.name);
  if (!output) return undefined;
  const data = Object.fromEntries(output.data.map(({ name }) => [name, Buffer.from("***")]));
  return { type: "found", resource: { metadata: { ...key, uid: "", generation: 1, resourceVersion: "0" }, data } };
}
