/**
 * Labels and annotations of a Secret that jq makes of an answer: further keys of its data, which whoever writes the Secret takes
 * out again. An output's own labels are text.
 */
import { overAnswer } from "./over-answer.ts";

export const metadataKinds = ["labels", "annotations"] as const;
export type MetadataKind = (typeof metadataKinds)[number];
export type MadeMetadata = Readonly<Record<MetadataKind, Readonly<Record<string, string>>>>;

const prefix = "holdfast-made.";

/** `holdfast-made.labels.state`. */
function madeKey(kind: MetadataKind, name: string): string {
  return `${prefix}${kind}.${name}`;
}
export function isMadeKey(key: string): boolean {
  return key.startsWith(prefix);
}

/** Always a list, so that nothing of it counts as missing: its first value is the one that is meant. */
export function madeEntry(kind: MetadataKind, name: string, program: string): readonly [string, string] {
  return [madeKey(kind, name), `[try (${overAnswer(program)}) catch empty]`];
}

/** The data that the Secret is to have, and what else was made. */
export function takeMade<V extends string | null>(
  data: Readonly<Record<string, V>>,
): { readonly data: Readonly<Record<string, V>>; readonly made: MadeMetadata } {
  const own: [string, V][] = [];
  const made = { labels: new Map<string, string>(), annotations: new Map<string, string>() };
  for (const [key, value] of Object.entries(data)) {
    const kind = metadataKinds.find((one) => key.startsWith(madeKey(one, "")));
    if (!kind) own.push([key, value]);
    else {
      const text = value === null ? undefined : firstText(value);
      if (text !== undefined && isLabelValue(text)) made[kind].set(key.slice(madeKey(kind, "").length), text);
    }
  }
  const { labels, annotations } = made;
  return {
    data: Object.fromEntries(own),
    made: { labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations) },
  };
}

/** As Go writes it; undefined: there is none, or none that has a text there. */
function firstText(list: string): string | undefined {
  const values: unknown = JSON.parse(list);
  const value: unknown = Array.isArray(values) ? values[0] : undefined;
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined; // an object is no value of a label
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set; the peer asks it of annotations, too. */
export function isLabelValue(text: string): boolean {
  return text.length <= 63 && /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(text);
}
