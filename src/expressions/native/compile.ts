/**
 * Makes a function of what the parser read. A function gives its outputs to `emit`, one after the other, as jq backtracks.
 *
 * Invariant: outputs come in jq's order. In an operation the right side is the outer loop, in an object the first key is.
 */
import { callOf } from "./calls.ts";
import { outputsOf, type Environment, type Filter, type Variable } from "./filter.ts";
import { index, itemsOf, operations, slice } from "./operations.ts";
import type { Node } from "./syntax.ts";
import { FailedError, giveUp, isTrue, toText, type Meter, type Value } from "./values.ts";

/** Throws `UnsupportedError`. Each evaluation and each output is a step, whatever construct it is of; what walks a value pays for that, too. */
export function compile(node: Node): Filter {
  const evaluate = filterOf(node);
  return (input, environment, emit) => {
    const { meter } = environment;
    meter.spend(1);
    return evaluate(input, environment, (output) => {
      meter.spend(1);
      return emit(output);
    });
  };
}

function filterOf(node: Node): Filter {
  switch (node.type) {
    case "identity":
      return (input, _environment, emit) => emit(input);
    case "literal":
      return (_input, _environment, emit) => emit(node.value);
    case "variable":
      return (_input, { variables, meter }, emit) => emit(valueOf(node.name, variables, meter));
    case "index":
      return compileIndex(node);
    case "slice":
      return compileSlice(node);
    case "iterate":
      return compileIteration(node);
    case "try":
      return attempt(compile(node.body), node.handler && compile(node.handler));
    case "pipe":
      return pipe(compile(node.left), compile(node.right));
    case "comma":
      return comma(compile(node.left), compile(node.right));
    case "alternative":
      return alternative(compile(node.left), compile(node.right));
    case "and":
    case "or":
      return logical(node.type === "or", compile(node.left), compile(node.right));
    case "operation":
      return operation(operations[node.operator], compile(node.left), compile(node.right));
    case "bind":
      return bind(node.name, compile(node.source), compile(node.body));
    case "reduce":
      return reduction(node.name, compile(node.source), compile(node.from), compile(node.update));
    case "if":
      return conditional(compile(node.test), compile(node.consequent), compile(node.alternate));
    case "array":
      return compileArray(node.of && compile(node.of));
    case "object":
      return compileObject(node.fields);
    case "text":
      return compileText(node.parts.map(compile));
    case "call":
      return callOf(node.name, node.parameters.map(compile));
  }
}

function valueOf(name: string, variables: Variable | undefined, meter: Meter): Value {
  for (let one = variables; one; one = one.outer) {
    meter.spend(1);
    if (one.name === name) return one.value;
  }
  return giveUp();
}
function bound(environment: Environment, name: string, value: Value): Environment {
  return { meter: environment.meter, variables: { name, value, outer: environment.variables } };
}
function pipe(left: Filter, right: Filter): Filter {
  return (input, environment, emit) => left(input, environment, (output) => right(output, environment, emit));
}
function comma(left: Filter, right: Filter): Filter {
  return (input, environment, emit) => left(input, environment, emit) || right(input, environment, emit);
}
function alternative(left: Filter, right: Filter): Filter {
  return (input, environment, emit) => {
    let isFound = false;
    const isEnough = left(input, environment, (output) => {
      if (!isTrue(output)) return false;
      isFound = true;
      return emit(output);
    });
    return isFound ? isEnough : right(input, environment, emit);
  };
}
/** `decisive`: the left output that makes the right one irrelevant. */
function logical(decisive: boolean, left: Filter, right: Filter): Filter {
  return (input, environment, emit) =>
    left(input, environment, (a) =>
      isTrue(a) === decisive ? emit(decisive) : right(input, environment, (b) => emit(isTrue(b))),
    );
}
function operation(apply: (left: Value, right: Value, meter: Meter) => Value, left: Filter, right: Filter): Filter {
  return (input, environment, emit) =>
    right(input, environment, (b) => left(input, environment, (a) => emit(apply(a, b, environment.meter))));
}
function bind(name: string, source: Filter, body: Filter): Filter {
  return (input, environment, emit) => source(input, environment, (value) => body(input, bound(environment, name, value), emit));
}
function conditional(test: Filter, then: Filter, otherwise: Filter): Filter {
  return (input, environment, emit) =>
    test(input, environment, (output) => (isTrue(output) ? then : otherwise)(input, environment, emit));
}
/** jq has ways of its own where a state is not one value. */
function reduction(name: string, source: Filter, from: Filter, update: Filter): Filter {
  return (input, environment, emit) => {
    let state = onlyOutputOf(from, input, environment);
    source(input, environment, (value) => {
      state = onlyOutputOf(update, state, bound(environment, name, value));
      return false;
    });
    return emit(state);
  };
}
function onlyOutputOf(filter: Filter, input: Value, environment: Environment): Value {
  const [output, ...others] = outputsOf(filter, input, environment);
  return output === undefined || others.length > 0 ? giveUp() : output;
}

/** What the body fails with is caught; what follows it is not its own. */
function attempt(body: Filter, handler?: Filter): Filter {
  return (input, environment, emit) => {
    let isInside = true;
    try {
      return body(input, environment, (output) => {
        isInside = false;
        const isEnough = emit(output);
        isInside = true;
        return isEnough;
      });
    } catch (error) {
      if (!(error instanceof FailedError) || !isInside) throw error;
    }
    return handler ? handler(unknownError, environment, emit) : false;
  };
}
/** A handler's input. It may not look at it, since jq words errors. */
const unknownError = new Proxy({}, { get: giveUp, has: giveUp, ownKeys: giveUp, getPrototypeOf: giveUp });

/** What `look` finds; `undefined`: nothing, where `?` allows that. */
function lookInto<Found>(isQuiet: boolean, look: () => Found): Found | undefined {
  if (!isQuiet) return look();
  try {
    return look();
  } catch (error) {
    if (error instanceof FailedError) return undefined;
    throw error;
  }
}
type NodeOf<Type extends Node["type"]> = Extract<Node, { readonly type: Type }>;
function compileIndex({ of, key, isQuiet }: NodeOf<"index">): Filter {
  const [base, keys] = [compile(of), compile(key)];
  return (input, environment, emit) =>
    keys(input, environment, (at) =>
      base(input, environment, (value) => {
        const found = lookInto(isQuiet, () => index(value, at, environment.meter));
        return found === undefined ? false : emit(found);
      }),
    );
}
function compileSlice({ of, from, to, isQuiet }: NodeOf<"slice">): Filter {
  const [base, starts, ends] = [compile(of), compile(from), compile(to)];
  return (input, environment, emit) =>
    ends(input, environment, (end) =>
      starts(input, environment, (start) =>
        base(input, environment, (value) => {
          const found = lookInto(isQuiet, () => slice(value, start, end, environment.meter));
          return found === undefined ? false : emit(found);
        }),
      ),
    );
}
function compileIteration({ of, isQuiet }: NodeOf<"iterate">): Filter {
  const base = compile(of);
  return (input, environment, emit) =>
    base(input, environment, (value) => (lookInto(isQuiet, () => itemsOf(value, environment.meter)) ?? []).some(emit));
}

function compileArray(of: Filter | undefined): Filter {
  return (input, environment, emit) => emit(of ? outputsOf(of, input, environment) : []);
}
function compileObject(fields: NodeOf<"object">["fields"]): Filter {
  const all = fields.map(({ key, value }) => ({ keys: compile(key), values: compile(value) }));
  return (input, environment, emit) => {
    function build(at: number, done: readonly (readonly [string, Value])[]): boolean {
      environment.meter.spend(done.length);
      const field = all[at];
      if (!field) return emit(Object.fromEntries(done));
      return field.keys(input, environment, (key) =>
        field.values(input, environment, (value) => build(at + 1, [...done, [typeof key === "string" ? key : giveUp(), value]])),
      );
    }
    return build(0, []);
  };
}
function compileText(parts: readonly Filter[]): Filter {
  return (input, environment, emit) => {
    function build(at: number, after: string): boolean {
      environment.meter.spendText(after.length);
      const part = parts[at];
      if (!part) return emit(after);
      return part(input, environment, (output) => build(at - 1, toText(output, environment.meter) + after));
    }
    return build(parts.length - 1, "");
  };
}
