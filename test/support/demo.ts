/**
 * `make run`: starts the server that the examples talk to, runs every example against it, and says what the server saw.
 * With `--serve` (`make origin`) only the server, until it is told to stop: for the examples on a cluster.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startDemoOrigin } from "./demo-origin.ts";

const root = join(import.meta.dirname, "../..");
/** The port that examples/origin.yaml names. */
const port = 28_080;

await using origin = await startDemoOrigin(port).catch((error: unknown) => {
  if (!Error.isError(error) || !("code" in error) || error.code !== "EADDRINUSE") throw error;
  process.stderr.write(
    `port ${port} of 127.0.0.1 is in use: end what uses it (this server may be running already, by "make origin": kill its process), or change the port in examples/ and test/support/demo.ts\n`,
  );
  process.exit(1);
});
if (process.argv.includes("--serve")) {
  process.stdout.write(`A demonstration server listens on 127.0.0.1:${origin.port}, until Ctrl-C.\n`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
} else {
  process.stdout.write(
    `A demonstration server listens on 127.0.0.1:${origin.port}. Running every manifest of examples/ against it, without a cluster:\n\n`,
  );
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "run", "--once", "-f", join(root, "examples")], {
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const total = [...origin.requests.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(`The server saw ${total} requests over ${origin.connections} connections.\n`);
  process.exitCode = code ?? 1;
}
