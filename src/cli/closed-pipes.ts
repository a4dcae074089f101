/** A reader that has seen enough, `head` say, closes the pipe that a command prints to: that is no mistake of anybody's. */

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
