/** Calls of jq's functions, with parameters that are filters. */
import { outputsOf, type Emit, type Environment, type Filter } from "./filter.ts";
import { filters, functionsOfOne, plainFunctions } from "./functions.ts";
import { add, itemsOf } from "./operations.ts";
import { unsupported } from "./syntax.ts";
import { compare, fail, isList, isTrue, type Value } from "./values.ts";

/** Throws `UnsupportedError` for a function that is not known here. */
export function callOf(name: string, parameters: readonly Filter[]): Filter {
  const [first, second] = parameters;
  const known =
    parameters.length === 0 ? withNone(name)
    : parameters.length === 1 && first ? withOne(name, first)
    : parameters.length === 2 && first && second ? withTwo(name, first, second)
    : undefined; // prettier-ignore
  return known ?? unsupported(`${name}/${parameters.length}`);
}
/** All that are known, with how many parameters. */
export function functionsKnown(): readonly { readonly name: string; readonly parameters: number }[] {
  return [[plainFunctions, filters], [functionsOfOne, sortings, withFilter], [withGenerator]].flatMap((tables, parameters) =>
    tables.flatMap((table) => Object.keys(table).map((name) => ({ name, parameters }))),
  );
}
function find<Known>(table: Readonly<Record<string, Known>>, name: string): Known | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function withNone(name: string): Filter | undefined {
  const [plain, passes] = [find(plainFunctions, name), find(filters, name)];
  if (passes) return (input, _environment, emit) => passes(input) && emit(input);
  if (!plain) return undefined;
  return (input, { meter }, emit) => emit(plain(input, meter));
}

function withOne(name: string, parameter: Filter): Filter | undefined {
  const evaluated = find(functionsOfOne, name);
  if (evaluated)
    return (input, environment, emit) =>
      parameter(input, environment, (argument) => emit(evaluated(input, argument, environment.meter)));
  const bySorting = find(sortings, name);
  if (bySorting)
    return (input, environment, emit) => emit(bySorting(keyed(parameter, input, environment), compareIn(environment)));
  return find(withFilter, name)?.(parameter);
}
/** Functions of one filter. */
const withFilter: Readonly<Record<string, (parameter: Filter) => Filter>> = {
  map: (parameter) => (input, environment, emit) =>
    emit(itemsOf(input, environment.meter).flatMap((item) => outputsOf(parameter, item, environment))),
  select: (parameter) => (input, environment, emit) => parameter(input, environment, (output) => isTrue(output) && emit(input)),
  first: (parameter) => (input, environment, emit) => {
    const found: Value[] = [];
    parameter(input, environment, (output) => found.push(output) > 0);
    return found.some(emit);
  },
  any: (parameter) => (input, environment, emit) =>
    emit(itemsOf(input, environment.meter).some((item) => parameter(item, environment, isTrue))),
  all: (parameter) => (input, environment, emit) =>
    emit(!itemsOf(input, environment.meter).some((item) => parameter(item, environment, isFalse))),
  add: (parameter) => (input, environment, emit) =>
    emit(outputsOf(parameter, input, environment).reduce((sum, item) => add(sum, item, environment.meter), null)),
};
function isFalse(value: Value): boolean {
  return !isTrue(value);
}

/** Functions of a generator and a condition: what ends them. */
const withGenerator: Readonly<Record<string, Emit>> = { any: isTrue, all: isFalse };
function withTwo(name: string, generator: Filter, condition: Filter): Filter | undefined {
  const stops = find(withGenerator, name);
  if (!stops) return undefined;
  return (input, environment, emit) => {
    const isFound = generator(input, environment, (output) => condition(output, environment, stops));
    return emit(isFound === (name === "any"));
  };
}

interface Keyed {
  readonly item: Value;
  readonly key: Value;
}
type Compare = (a: Keyed, b: Keyed) => number;
function keyed(key: Filter, input: Value, environment: Environment): readonly Keyed[] {
  if (!isList(input)) return fail();
  return input.map((item) => ({ item, key: outputsOf(key, item, environment) }));
}
function compareIn({ meter }: Environment): Compare {
  return (a, b) => compare(a.key, b.key, meter);
}
const sortings: Readonly<Record<string, (all: readonly Keyed[], compareKeys: Compare) => Value>> = {
  sort_by: (all, compareKeys) => all.toSorted(compareKeys).map(({ item }) => item),
  group_by: groups,
  unique_by: (all, compareKeys) => groups(all, compareKeys).map(([one = null]) => one),
  min_by: (all, compareKeys) => best(all, (one, other) => compareKeys(one, other) < 0),
  max_by: (all, compareKeys) => best(all, (one, other) => compareKeys(one, other) >= 0),
};
function groups(all: readonly Keyed[], compareKeys: Compare): readonly (readonly Value[])[] {
  const found: Value[][] = [];
  let last: Keyed | undefined;
  for (const one of all.toSorted(compareKeys)) {
    if (last && compareKeys(last, one) === 0) found.at(-1)?.push(one.item);
    else found.push([one.item]);
    last = one;
  }
  return found;
}
function best(all: readonly Keyed[], isBetter: (one: Keyed, other: Keyed) => boolean): Value {
  let found: Keyed | undefined;
  for (const one of all) if (!found || isBetter(one, found)) found = one;
  return found?.item ?? null;
}
