/**
 * The data that a YAML document stands for, from its syntax tree.
 *
 * Aliases are expanded within a budget, so that a small text cannot become a large value. Keys are applied in order,
 * merge keys (`<<`) too, as kubectl does: what comes later wins.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from "yaml";
import { jsonType } from "../api/json-type.ts";
import { resolveScalar } from "./yaml-scalar.ts";

/** Where each field of each object, and each item of each list, begins in the text. */
export type Offsets = ReadonlyMap<object, ReadonlyMap<string | number, number>>;
interface DataError {
  readonly offset: number;
  /** Quotes keys, and no values. */
  readonly message: string;
}
interface PlainData {
  readonly value: unknown;
  readonly offsets: Offsets;
  readonly errors: readonly DataError[];
}

/** Nodes that aliases may stand for in one document. */
const maxAliased = 100_000;
const maxDepth = 500;

type Fields = Record<string, unknown>;

/** What cannot be read is among `errors`, and null in `value`. It throws for nothing that a text can hold. */
export function plainData(root: Node): PlainData {
  const offsets = new Map<object, Map<string | number, number>>();
  const errors: DataError[] = [];
  const anchors = new Map<string, Node>();
  let aliased = 0;
  let stopped = false;

  function fail(node: Node, message: string): null {
    if (!stopped) errors.push({ offset: node.range?.[0] ?? 0, message });
    stopped ||= errors.length >= maxErrors;
    return null;
  }
  /** Nothing more is read: whatever else would be found wrong follows from that. */
  function stop(node: Node, message: string): null {
    fail(node, message);
    stopped = true;
    return null;
  }

  /** `depth` counts levels; `within` says whether an alias is being expanded. */
  function data(node: Node | null, depth: number, within: boolean): unknown {
    if (node === null || stopped) return null;
    if (depth > maxDepth) return stop(node, "nested too deeply");
    if (within && ++aliased > maxAliased) return stop(node, "its aliases stand for too much");
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      return target
        ? data(target, depth + 1, true)
        : fail(node, "the alias has no anchor before it; a value that begins with `*` must be in quotes");
    }
    if ("anchor" in node && typeof node.anchor === "string") anchors.set(node.anchor, node);
    if (isScalar(node)) return scalar(node);
    if (node.tag !== undefined && !collectionTags.includes(node.tag)) return fail(node, unknownTag);
    if (isSeq(node)) {
      const items = node.items as readonly Node[];
      const list = items.map((item) => data(item, depth + 1, within));
      offsets.set(list, new Map(items.map((item, index) => [index, item.range?.[0] ?? 0])));
      return list;
    }
    return isMap(node) ? map(node, depth, within) : fail(node, "cannot be read");
  }

  function map(node: YAMLMap, depth: number, within: boolean): Fields {
    const fields = Object.create(null) as Fields;
    const places = new Map<string | number, number>();
    const own = new Set<string>();
    offsets.set(fields, places);
    for (const pair of node.items as readonly { readonly key: Node; readonly value: Node | null }[]) {
      const { key, value } = pair;
      if (isScalar(key) && key.type === "PLAIN" && key.value === "<<") {
        for (const source of mergeFields(value, depth, within)) {
          Object.assign(fields, source);
          for (const [name, offset] of offsets.get(source) ?? []) places.set(name, offset);
        }
        continue;
      }
      const name = keyName(data(key, depth + 1, within));
      if (name === undefined) fail(key, "a key must be text: write it in quotes");
      else if (own.has(name)) fail(key, `the key ${JSON.stringify(name.slice(0, 64))} is there already`);
      else {
        own.add(name);
        fields[name] = data(value, depth + 1, within);
        places.set(name, key.range?.[0] ?? 0);
      }
    }
    return fields;
  }

  /** What a merge key brings in, in the order in which it applies: of a list, the first wins. */
  function mergeFields(value: Node | null, depth: number, within: boolean): readonly Fields[] {
    const source = data(value, depth + 1, within);
    const list: readonly unknown[] = Array.isArray(source) ? source.toReversed() : [source];
    if (!list.every(isFields)) fail(value ?? root, "`<<` takes a map or a list of maps");
    return list.filter(isFields);
  }

  function scalar(node: Scalar): unknown {
    const text = String(node.value);
    const { tag } = node;
    const implicit = node.type === "PLAIN" && tag === undefined;
    if (!implicit && (tag === undefined || textTags.includes(tag))) return text;
    const value = resolveScalar(text);
    if (typeof value === "number" && !Number.isFinite(value)) return fail(node, "JSON has no such number: write it in quotes");
    if (tag === undefined || scalarTags[tag]?.includes(jsonType(value))) return value;
    return fail(node, unknownTag);
  }

  return { value: data(root, 0, false), offsets, errors };
}

const maxErrors = 20;
const unknownTag = "the tag is not known, or does not fit its value; a text that begins with `!` must be in quotes";
const collectionTags: readonly string[] = ["tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"];
const textTags: readonly string[] = ["!", "tag:yaml.org,2002:str"];
const scalarTags: Readonly<Record<string, readonly string[]>> = {
  "tag:yaml.org,2002:bool": ["boolean"],
  "tag:yaml.org,2002:int": ["integer"],
  "tag:yaml.org,2002:float": ["integer", "number"],
  "tag:yaml.org,2002:null": ["null"],
};

const isFields = (value: unknown): value is Fields => jsonType(value) === "object";

/** JSON has only text as keys: kubectl makes it of integers and booleans, `on` among them. */
function keyName(key: unknown): string | undefined {
  if (typeof key === "string") return key;
  return jsonType(key) === "integer" || typeof key === "boolean" ? JSON.stringify(key) : undefined;
}
