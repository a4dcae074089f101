/**
 * The last words of a process that a mistake of ours ends. Node's own would show all that an error has with it, an answer's bytes
 * say; these go through the log, which knows what must not be told.
 */
import { errorFields, type Log } from "../telemetry/log.ts";

/** For whatever is thrown or rejected and caught by nobody: one line, and exit code 1. */
export function onCrash(log: Log): void {
  if (process.hasUncaughtExceptionCaptureCallback()) return;
  process.setUncaughtExceptionCaptureCallback((error: unknown) => {
    const stack = Error.isError(error) ? { stack: error.stack } : {};
    log.write("error", "crashed", { ...errorFields(error), ...stack });
    process.exit(1);
  });
}
