/**
 * Preloaded into a process by a test: on SIGUSR2 it says so on stderr, and then computes for as long as `HOLDFAST_TEST_HANG_MS` says,
 * and gets to nothing else.
 */
import { writeSync } from "node:fs";

process.on("SIGUSR2", () => {
  writeSync(2, "hangs\n");
  const endMs = performance.now() + Number(process.env["HOLDFAST_TEST_HANG_MS"]);
  while (performance.now() < endMs);
});
