/** What outputs are to hold, evaluated over an answer. Invariant: the values leave this file sealed. */
import { redact } from "../../core/redacted.ts";
import type { EvaluatedOutputs, Output, OutputData } from "../../core/output.ts";
import { secretType } from "../../core/resource.ts";
import { refuse } from "../refusal.ts";
import { contentText } from "../render/values.ts";

/** `json`: what the outputs' expressions yielded, in their order. Throws `RefusedError` for one that must not be missing. */
export function outputValues(
  outputs: readonly Output[],
  json: readonly string[],
  onSecret: (value: string) => void = () => {},
): EvaluatedOutputs {
  const unwritten = outputs
    .flatMap(({ data, whenMissing }) => data.map(({ field }) => ({ field, whenMissing })))
    .flatMap(({ field, whenMissing }, index) => (whenMissing === "Keep" && (json[index] ?? "null") === "null" ? [field] : []));
  const left = json.values();
  const values = outputs.map((output) => dataOf(output, () => left.next().value ?? "null"));
  for (const [index, { object }] of outputs.entries()) {
    if (object.type.kind !== secretType.kind) continue;
    for (const value of Object.values(values[index] ?? {})) if (value !== null) onSecret(value);
  }
  const texts = values.flatMap((data) => Object.values(data));
  const sizeBytes = texts.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)), 0);
  return { type: "values", values: values.map(redact), sizeBytes, ...(unwritten.length > 0 && { unwritten }) };
}

function dataOf({ data, whenMissing }: Output, next: () => string): OutputData {
  const entries = data.flatMap(({ name, field }): [string, string | null][] => {
    const json = next();
    if (json !== "null") return [[name, contentText(json)]];
    switch (whenMissing) {
      case "Keep":
        return [[name, null]];
      case "Empty":
        return [[name, ""]];
      case "Delete":
        return [];
      case "Fail":
        return refuse("OutputMissing", `${field}: the expression yields null, and whenMissing is Fail`);
    }
  });
  return Object.fromEntries(entries);
}
