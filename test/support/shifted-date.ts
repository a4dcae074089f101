/** Preloaded into a process by `wall-clock.ts`: `Date` is ahead of the true time by as many seconds as a file says. */
import { readFileSync } from "node:fs";

const file = process.env["HOLDFAST_TEST_CLOCK"] ?? "";
const TrueDate = Date;
const now = (): number => TrueDate.now() + Number(readFileSync(file, "utf8")) * 1_000;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: [], newTarget: typeof Date) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new TrueDate(now()).toString(),
  get: (target, name, receiver) => (name === "now" ? now : (Reflect.get(target, name, receiver) as unknown)),
});
