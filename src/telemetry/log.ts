/** The log: one JSON line, or one line of text, for each event; constant messages, variables as fields. */
import winston from "winston";

/** Where winston keeps the finished line (its triple-beam). */
const MESSAGE = Symbol.for("message");

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
  /** Does the writing of each line, so that it finds its place on a terminal that shows something else, too. */
  readonly around?: ((write: () => void) => void) | undefined;
}

/**
 * Writes to standard error, so that standard output is a command's own. A line is scrubbed when it is finished, errors' stacks
 * in it too.
 */
export function createLog({ level, format, scrub, around = (write) => write() }: LogOptions): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp, level, message, ...fields }) =>
    [timestamp, level.toUpperCase().padEnd(5), message, ...fieldTexts(fields)].join(" "),
  );
  const scrubbed = winston.format((line) => Object.assign(line, { [MESSAGE]: scrub(String(line[MESSAGE])) }));
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), format === "json" ? json() : text, scrubbed()),
    transports: [new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })],
  });
  const wants = (wanted: LogLevel): boolean => levels.indexOf(wanted) <= levels.indexOf(level);
  return {
    wants,
    write: (wanted, message, fields) => {
      // winston formats a line before it finds that nobody wants it. As one object: with a text it would take %s in that for a place of a field.
      if (wants(wanted)) around(() => logger.log({ ...fields, level: wanted, message }));
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
