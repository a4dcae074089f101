/** The work of one engine, while it leads. */
import type { Controller } from "../engine/controller.ts";
import type { Leadership } from "../kubernetes/lease.ts";
import type { Shutdown } from "./shutdown.ts";

/**
 * Until it is told to stop: then what is under way ends, and only after that the lease is released. Rejects with
 * StoreWentBackError, and for mistakes of ours; `fail` is called at once then, and is to have it stopped.
 */
export async function work(
  controller: Pick<Controller, "run" | "warm" | "queueAll">,
  leadership: Pick<Leadership, "run">,
  { stop, drain, fail }: Pick<Shutdown, "stop" | "drain"> & { readonly fail: () => void },
): Promise<void> {
  // The lease is kept until what was under way has ended, so that a successor does not begin before that.
  const ended = new AbortController();
  const working = controller.run(stop, drain).finally(() => ended.abort());
  /** One that could not work yet does not take the lease from one that can. */
  async function lead(): Promise<void> {
    await Promise.race([controller.warm, working]);
    if (stop.aborted) return;
    try {
      await leadership.run({ stop, ended: ended.signal }, controller.queueAll);
    } catch (error) {
      fail(); // what is under way ends in peace, and then the process
      await working;
      throw error;
    }
  }
  await Promise.all([working, lead()]);
}
