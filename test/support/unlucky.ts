/** An API server and an origin of which one request in so many goes wrong, each in another way. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OriginRequest, Reply } from "./fault-origin.ts";
import type { FaultWorld } from "./fault-world.ts";

interface UnluckyOptions {
  /** At least 0 and at most 1: how many of all go wrong. Looked up for each request. */
  readonly rate: () => number;
  /** How the origin answers else; it has acted by then. */
  readonly reply: (request: OriginRequest) => Reply;
  /** How long an answer takes that is late, milliseconds. */
  readonly lateMs: number;
}

export function makeUnlucky({ api, origin }: FaultWorld, { rate, reply, lateMs }: UnluckyOptions): void {
  const isUnlucky = (): boolean => Math.random() < rate();
  const one = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;
  api.answer = () => {
    if (!isUnlucky()) return undefined;
    return one([
      { status: 500 },
      { status: 429, headers: { "retry-after": "1" } },
      { status: 504, afterwards: true },
      "reset",
    ] as const);
  };
  origin.reply = async (request) => {
    const answer = reply(request);
    if (!isUnlucky()) return answer;
    const bad = one(["reset", "half", "late", "failed"] as const);
    if (bad === "reset" || bad === "half") return { type: bad };
    if (bad === "late") await sleep(lateMs);
    return { type: "answer", status: 503 };
  };
}
