/**
 * Preloaded into a process: its clocks and its timers run HOLDFAST_TEST_FASTER times as fast as the true time. What the machine
 * and the network take is not shorter for that.
 */
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

const factor = Number(process.env["HOLDFAST_TEST_FASTER"] ?? "1");
const TrueDate = Date;
const startedMs = TrueDate.now();
const trueNow = performance.now.bind(performance);
const now = (): number => startedMs + (TrueDate.now() - startedMs) * factor;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: [], newTarget: typeof Date) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  get: (target, name, receiver) => (name === "now" ? now : (Reflect.get(target, name, receiver) as unknown)),
});
performance.now = () => trueNow() * factor;
for (const name of ["setTimeout", "setInterval"] as const) {
  const start: (run: () => void, ms: number) => NodeJS.Timeout = globalThis[name];
  Object.assign(globalThis, {
    [name]: (run: (...more: unknown[]) => void, ms = 0, ...more: unknown[]) => start(() => run(...more), ms / factor),
  });
}
const sleep = timers.setTimeout;
timers.setTimeout = (ms = 0, ...more) => sleep(ms / factor, ...more);
syncBuiltinESMExports();
