/**
 * Checks and defaults a value as a kube-apiserver with strict field validation does, from the same schema.
 *
 * It never throws on a value, and never changes it. No message quotes what could be a secret.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */
import { compileRule, type CelValue } from "./cel.ts";
import { isFields } from "./json-type.ts";
import { duplicate, missingText, sizeMessages, tooDeep, unknownField, wrongType } from "./messages.ts";
import { problem, type Path, type Problem } from "./problem.ts";
import { compileScalar } from "./scalar.ts";
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from "./schema.ts";

interface Validated {
  /** With all defaults; its objects have no prototype. Of use only when there are no problems. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}
/** `at`: where the value stands, for the problems' paths. */
export type Validate = (value: unknown, at?: Path) => Validated;

/** Compiles a schema, for many values. What several schemas share is compiled once. Throws for a mistake in the schema. */
export function validator(schema: Schema): Validate {
  const check = compile(schema);
  return (value, at = []) => {
    const problems: Problem[] = [];
    return { value: check(value, at, problems).value, problems };
  };
}

/** `cel`: what rules see of the value; null where they see nothing, or its type is wrong. */
interface Checked {
  readonly value: unknown;
  readonly cel: CelValue;
}
type Check = (value: unknown, at: Path, problems: Problem[]) => Checked;

const compiled = new WeakMap<Schema, Check>();
function compile(schema: Schema): Check {
  const check = compiled.get(schema) ?? compileWithRules(schema);
  compiled.set(schema, check);
  return check;
}

function compileWithRules(schema: Schema): Check {
  const check = compileStructure(schema);
  const rules = (schema["x-kubernetes-validations"] ?? []).map(compileRule);
  return (value, at, problems) => {
    const before = problems.length;
    const checked = check(value, at, problems);
    if (checked.cel === null) return checked;
    const sound = problems.length === before;
    for (const rule of rules) {
      const result = rule.check(checked.cel);
      // Where something else is wrong, that is the reason why the rule cannot be evaluated.
      if (result === "broken" || (result === "failed" && sound))
        problems.push(problem([...at, ...rule.at], `Invalid value: ${rule.message}`));
    }
    return checked;
  };
}

function compileStructure(schema: Schema): Check {
  if (schema.type === undefined) return checkFreeForm;
  switch (schema.type) {
    case "string":
    case "integer":
    case "boolean": {
      const check = compileScalar(schema);
      return (value, at, problems) => {
        const { cel, messages } = check(value);
        return tell(problems, at, messages, { value, cel });
      };
    }
    case "array":
      return compileArray(schema);
    case "object":
      return "properties" in schema ? compileObject(schema) : compileMap(schema);
  }
}

/** Levels within a free-form field: whoever walks the value later does so recursively. */
const maxDepth = 200;
function checkFreeForm(value: unknown, at: Path, problems: Problem[]): Checked {
  return tell(problems, at, isDeeper(value, maxDepth) ? [tooDeep(maxDepth)] : [], { value, cel: null });
}
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

function tell(problems: Problem[], at: Path, messages: readonly string[], checked: Checked): Checked {
  problems.push(...messages.map((message) => problem(at, message)));
  return checked;
}

function compileObject(schema: ObjectSchema): Check {
  const names = Object.keys(schema.properties);
  const fields = Object.entries(schema.properties).map(([name, field]) => ({
    name,
    field,
    check: compile(field),
    hidden: isHidden(field),
  }));
  const choice = { one: `field (${names.join(", ")})`, many: `fields (${names.join(", ")})` };
  const required = new Map((schema.required ?? []).map((name) => [name, missingText(schema.properties[name])]));
  return (value, at, problems) => {
    if (!isFields(value)) return tell(problems, at, [wrongType(schema, value)], { value, cel: null });
    const result = emptyFields();
    const cel = new Map<string, CelValue>();
    for (const { name, field, check, hidden } of fields) {
      const given = ownField(value, name) ?? field.default;
      if (given === undefined) continue;
      const checked = check(given, [...at, name], problems);
      result[name] = checked.value;
      if (!hidden) cel.set(name, checked.cel);
    }
    for (const name of Object.keys(value)) if (!names.includes(name)) problems.push(problem([...at, name], unknownField(names)));
    for (const [name, message] of required) if (!(name in result)) problems.push(problem([...at, name], message));
    const size = sizeMessages(Object.keys(result).length, choice, schema.minProperties, schema.maxProperties);
    return tell(problems, at, size, { value: result, cel });
  };
}

function compileMap(schema: MapSchema): Check {
  const check = compile(schema.additionalProperties);
  return (value, at, problems) => {
    if (!isFields(value)) return tell(problems, at, [wrongType(schema, value)], { value, cel: null });
    const entries = Object.keys(value).flatMap((key) => {
      const given = ownField(value, key) ?? schema.additionalProperties.default;
      return given === undefined ? [] : [{ key, given }];
    });
    const size = sizeMessages(entries.length, { one: "entry", many: "entries" }, schema.minProperties, schema.maxProperties);
    if (size.length > 0) return tell(problems, at, size, { value, cel: null });
    const result = emptyFields();
    const cel = new Map<string, CelValue>();
    for (const { key, given } of entries) {
      const checked = check(given, [...at, key], problems);
      result[key] = checked.value;
      cel.set(key, checked.cel);
    }
    return { value: result, cel };
  };
}

function compileArray(schema: ArraySchema): Check {
  const check = compile(schema.items);
  return (value, at, problems) => {
    if (!Array.isArray(value)) return tell(problems, at, [wrongType(schema, value)], { value, cel: null });
    const size = sizeMessages(value.length, { one: "item", many: "items" }, schema.minItems, schema.maxItems);
    if (value.length > schema.maxItems) return tell(problems, at, size, { value, cel: null });
    const items = value.map((item, index) => check(item ?? schema.items.default ?? null, [...at, index], problems));
    const values = items.map((item) => item.value);
    for (const index of duplicates(schema, values)) problems.push(problem([...at, index], duplicate));
    return tell(problems, at, size, { value: values, cel: items.map((item) => item.cel) });
  };
}

/** The indexes of items that an earlier one equals, in a list that is a set or a map. */
function duplicates(schema: ArraySchema, items: readonly unknown[]): readonly number[] {
  if (schema["x-kubernetes-list-type"] === "atomic") return [];
  const keys = schema["x-kubernetes-list-map-keys"];
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const identity = JSON.stringify(keys && isFields(item) ? keys.map((key) => item[key]) : item) ?? "";
    const repeated = seen.has(identity);
    seen.add(identity);
    return repeated ? [index] : [];
  });
}

/** Rules see no free-form field, and no list or map of such. */
function isHidden(schema: Schema): boolean {
  if (schema.type === undefined) return true;
  if (schema.type === "array") return isHidden(schema.items);
  return schema.type === "object" && "additionalProperties" in schema && isHidden(schema.additionalProperties);
}

/** A null is as good as nothing, since no field of ours is nullable; what an object inherits is nothing, too. */
function ownField(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
}
/** Without a prototype a key such as `__proto__` is a key like any other. */
function emptyFields(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
