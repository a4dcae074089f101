/** What may happen to a watch's stream between the API server and the controller, for the interposer's `rewrite`. */
import { Transform } from "node:stream";

/** Each line through `change`, which gives the lines to send in its place. */
export function rewriteLines(change: (line: string) => readonly string[]): Transform {
  let rest = "";
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      const changed = lines.flatMap(change);
      done(null, changed.map((line) => `${line}\n`).join(""));
    },
  });
}

/** Everything later by what `lagMs` says when it comes, milliseconds, in its order. */
export function delayed(lagMs: () => number): Transform {
  let turn = Promise.resolve();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const dueMs = performance.now() + lagMs();
      turn = turn.then(
        () =>
          new Promise((resolve) => {
            setTimeout(
              () => {
                if (!this.destroyed) this.push(chunk);
                resolve();
              },
              Math.max(0, dueMs - performance.now()),
            );
          }),
      );
      done();
    },
    flush(done) {
      void turn.then(() => done());
    },
  });
}
