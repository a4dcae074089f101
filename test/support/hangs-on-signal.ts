/** Preloaded into a process by a test: on SIGUSR2 it computes for as long as `HOLDFAST_TEST_HANG_MS` says, and gets to nothing else. */
process.on("SIGUSR2", () => {
  const endMs = performance.now() + Number(process.env["HOLDFAST_TEST_HANG_MS"]);
  while (performance.now() < endMs);
});
