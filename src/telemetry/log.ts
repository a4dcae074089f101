/** The log: one JSON line, or one line of text, for each occurrence; constant messages, variables as fields. */
import winston from "winston";

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFormat = "json" | "text";

export interface Log {
  write(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void;
}

export function createLog({ level, format }: { level: LogLevel; format: LogFormat }): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp, level, message, ...fields }) => {
    const rest = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    return [timestamp, level.toUpperCase().padEnd(5), message, ...rest].join(" ");
  });
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), format === "json" ? json() : text),
    transports: [new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })],
  });
  return {
    write: (level, message, fields) => {
      logger.log(level, message, fields);
    },
  };
}

/** An error as fields: its name, message, code and cause, without a stack; those that Node and undici make hold no header and no body. */
export function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  if (!Error.isError(error)) return { error: String(error) };
  const code = "code" in error ? { code: String(error.code) } : {};
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  return { error: error.message, errorName: error.name, ...code, ...cause };
}
