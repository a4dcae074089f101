/**
 * The controller's flags as chart values: each is a value of the same name below `controller`.
 *
 * Invariant: every flag is reachable but those that make the controller unsafe, which no value can set.
 */
import type { Option } from "commander";
import { controllerSettings } from "../../../src/config.ts";
import type { Value } from "./schema.ts";

export function isUnsafe(flag: string): boolean {
  return flag.includes("unsafe");
}
/** JSON Schema for what must not be among the further arguments and environment variables. */
export const unsafeArgument = "^--[a-z-]*unsafe";
export const unsafeVariable = "^HOLDFAST_[A-Z_]*UNSAFE";

/** The value `metrics.secure` sets these, with what belongs to them. */
export const setBySecureMetrics: readonly string[] = ["metricsSecure", "metricsCertFile", "metricsKeyFile"];

export const flags: readonly Option[] = controllerSettings.filter(
  (option) => !isUnsafe(option.name()) && !setBySecureMetrics.includes(option.attributeName()),
);

/** What the chart itself sets, because other objects of the chart depend on it. */
const chartDefaults: Readonly<Record<string, unknown>> = {
  namespace: [],
  nat64Prefix: [],
  serveSecretNamespace: [],
  metricsAddress: ":8080",
  healthAddress: ":8081",
  shutdownTimeout: "25s",
};
/** The default of those that the templates fill in. */
const templateDefaults: Readonly<Record<string, string>> = {
  leaseName: "the release's full name",
  secretGrant: "the role and service account of this release",
  outputGrant: "the role and service account of this release",
  serviceAccountTokenGrant: "the role and service account of this release",
  impersonationGrant: "the role and service account of this release",
};

/** Of what a list holds, by what the flag calls it. */
const itemPatterns: Readonly<Record<string, string>> = {
  name: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
  namespace: "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|[*])$",
  prefix: "^[0-9a-fA-F:.]+/(32|40|48|56|64|96)$",
};
const durationPattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";
const addressPattern = "^([^:\\[\\]\\s]*|\\[[0-9a-fA-F:.]+\\]):\\d{1,5}$";

export function flagValues(): Readonly<Record<string, Value>> {
  return Object.fromEntries(flags.map((option) => [option.attributeName(), flagValue(option)]));
}

function flagValue(option: Option): Value {
  const name = option.attributeName();
  const { defaultValue, defaultValueDescription, argChoices } = option;
  const description = `${option.description.charAt(0).toUpperCase()}${option.description.slice(1)}.`;
  const shape = Array.isArray(defaultValue)
    ? { type: "array", items: { type: "string", pattern: itemPatterns[argumentOf(option) ?? ""] } }
    : argChoices
      ? { type: "string", enum: [...argChoices] }
      : shapeOf(option);
  const inController = defaultValueDescription ?? (defaultValue === undefined ? "" : String(defaultValue));
  return {
    description,
    ...(canBeOff(option) ? orFalse(shape) : shape),
    ...(Object.hasOwn(chartDefaults, name)
      ? { default: chartDefaults[name] }
      : { defaultText: templateDefaults[name] ?? inController }),
  };
}

/** In YAML 1.1, which Helm reads, `off` is `false` where it is not quoted. */
export function canBeOff(option: Option): boolean {
  return option.argChoices?.includes("off") ?? argumentOf(option)?.endsWith("|off") ?? false;
}
function orFalse(shape: { readonly enum?: readonly unknown[] }): object {
  return {
    ...shape,
    type: ["string", "boolean"],
    ...(shape.enum ? { enum: [...shape.enum, false] } : { not: { enum: [true] } }),
  };
}

/** What the flag calls its argument: `--concurrency <n>`. */
function argumentOf({ flags: flag }: Option): string | undefined {
  return /<(.*)>/.exec(flag)?.[1];
}

function shapeOf(option: Option): object {
  const { flags: flag, parseArg } = option;
  switch (argumentOf(option)) {
    case "n":
    case "bytes": {
      const { least, most } = parseArg as unknown as { readonly least: number; readonly most: number };
      return { type: "integer", minimum: least, maximum: most };
    }
    case "duration":
      return { type: "string", pattern: durationPattern };
    case "true|false":
      return { type: "boolean" };
    case "address":
      return { type: "string", pattern: addressPattern };
    case "address|off":
      return { type: "string", pattern: `^off$|${addressPattern}` };
    case undefined:
      throw new Error(`${flag} has no argument, and no value can stand for it`);
  }
  return { type: "string", minLength: 1 };
}
