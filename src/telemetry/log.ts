/** The log: one JSON line, or one line of text, for each event; constant messages, variables as fields. */
import winston from "winston";
import { createLines } from "./lines.ts";

/** Where winston keeps a line's level, and the finished line (its triple-beam). */
const [LEVEL, MESSAGE] = [Symbol.for("level"), Symbol.for("message")] as const;

/** From the most severe. */
const levels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof levels)[number];
export type LogFormat = "json" | "text";

export interface Log {
  /** Whether somebody reads lines of this level. */
  wants(level: LogLevel): boolean;
  write(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void;
}

interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** What takes secrets out of a line. */
  readonly scrub: (line: string) => string;
  /** Does the writing of lines, so that they find their place on a terminal that shows something else, too. */
  readonly around?: ((write: () => void) => void) | undefined;
}

/**
 * Writes to standard error, so that standard output is a command's own. A line is scrubbed when it is finished, errors' stacks
 * in it too. A warning or an error is written at once, after what was logged before it; others with their turn of the event loop.
 */
export function createLog({ level, format, scrub, around = (write) => write() }: LogOptions): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp, level, message, ...fields }) =>
    [timestamp, level.toUpperCase().padEnd(5), message, ...fieldTexts(fields)].join(" "),
  );
  const lines = createLines((text) => around(() => process.stderr.write(text)));
  process.once("exit", () => lines.flush());
  const finished = combine(timestamp(), format === "json" ? json() : text);
  const wants = (wanted: LogLevel): boolean => levels.indexOf(wanted) <= levels.indexOf(level);
  return {
    wants,
    write: (wanted, message, fields) => {
      if (!wants(wanted)) return;
      const line = finished.transform({ ...fields, level: wanted, message, [LEVEL]: wanted });
      if (typeof line === "object") lines.add(`${scrub(String(line[MESSAGE]))}\n`);
      if (wanted === "error" || wanted === "warn") lines.flush();
    },
  };
}

/** `name=value` for each field of a line of text. */
export function fieldTexts(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(fields).map(([name, value]) => `${name}=${valueText(value)}`);
}
/** In quotes, as JSON, where nobody could tell else where it ends; nothing in it speaks to the terminal or begins a line. */
function valueText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"\p{Cc}]+$/u.test(value)) return value;
  return JSON.stringify(value ?? null).replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** An error as fields: its name, message, code and cause, without a stack; those that Node and undici make hold no header and no body. */
export function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  if (!Error.isError(error)) return { error: String(error) };
  const code = "code" in error ? { code: String(error.code) } : {};
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  return { error: error.message, errorName: error.name, ...code, ...cause };
}
