/** A reader that has seen enough, such as `head`, closes the pipe that a command prints to. That is not an error. */

/**
 * From now on nothing is said of it: what is printed afterwards goes nowhere, and the command ends as it would have. Any other
 * error of standard output or error is thrown, as without it.
 */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
}
