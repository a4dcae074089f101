/** What a flag's text means. Each throws an `InvalidArgumentError` that says what to give instead. */
import { longestTimerMs } from "./core/tools/deadline.ts";
import { InvalidArgumentError } from "commander";
import { parseNAT64Prefix, parseNetwork } from "./core/tools/address.ts";
import { durationMs } from "./core/tools/duration.ts";

/** The limits stay with the parser, for whoever describes the flag: the chart's schema. */
export function integer(
  least: number,
  most: number,
): ((text: string) => number) & { readonly least: number; readonly most: number } {
  const parse = (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return value;
  };
  return Object.assign(parse, { least, most });
}

/** Of Node's timers, whole days: one that is told to wait for longer does not wait at all. */
const longestDays = Math.floor(longestTimerMs / 86_400_000);

export function duration(text: string): number {
  const value = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text) ? durationMs(text) : 0;
  if (value <= 0) throw new InvalidArgumentError("Give a duration such as 30s, 1m30s or 500ms.");
  if (value > longestDays * 86_400_000) throw new InvalidArgumentError(`Give a duration of ${longestDays} days at most.`);
  return value;
}

export function address(text: string): string {
  const port = /^(?:[^:[\]\s]*|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text)?.[1];
  if (port === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError("Give HOST:PORT or :PORT, for example 127.0.0.1:8080.");
  return text;
}

export function namespaceName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) throw new InvalidArgumentError("Give the name of a namespace.");
  return text;
}

export function namespaceOrAll(text: string): string {
  return text === "*" ? text : namespaceName(text);
}

/** `namespace/name` of a Lease, or `none`. */
export function leaseReference(text: string): string {
  const [namespace = "", name = "", ...more] = text.split("/");
  if (text === "none") return text;
  if (more.length > 0 || name === "") throw new InvalidArgumentError("Give the lease as NAMESPACE/NAME, or none.");
  return `${namespaceName(namespace)}/${objectName(name)}`;
}

export function cidr(text: string): string {
  if (!text.includes("/") || !parseNetwork(text)) throw new InvalidArgumentError("Give a network, for example 127.0.0.0/8.");
  return text;
}

export function nat64Prefix(text: string): string {
  if (!parseNAT64Prefix(text))
    throw new InvalidArgumentError("Give an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, for example 2001:db8:64::/96.");
  return text;
}

export function objectName(text: string): string {
  if (text.length > 253 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text))
    throw new InvalidArgumentError("Give a name that an object can have.");
  return text;
}

export function boolean(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("Give true or false.");
  return text === "true";
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
export function labelSelector(text: string): string {
  const word = "[A-Za-z0-9](?:[-\\w.]{0,61}[A-Za-z0-9])?";
  const [key, value] = [`(?:[a-z0-9][-a-z0-9.]{0,252}/)?${word}`, `(?:${word})?`];
  const one = `(?:!?${key}|${key} *(?:=|==|!=) *${value}|${key} +(?:in|notin) *\\( *${value}(?: *, *${value})* *\\))`;
  if (!new RegExp(`^ *${one}(?: *, *${one})* *$`).test(text))
    throw new InvalidArgumentError('Give a label selector, for example team=a or "shard in (1, 2)".');
  return text;
}

/** Repeated flags add up; an environment variable is a list with commas. */
export function list(
  parse: (text: string) => string,
): (text: string, before: readonly string[] | undefined) => readonly string[] {
  return (text, before = []) => [...before, ...text.split(",").map((item) => parse(item.trim()))];
}
