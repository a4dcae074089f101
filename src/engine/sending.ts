/**
 * The requests of one reconcile: each is prepared, then what has to happen before it leaves is done, then it is sent.
 *
 * Invariant: whatever can be found wrong with a request, or with any of several, is found before a byte of any leaves.
 */
import type { Exchange } from "../core/exchange.ts";
import type { Outcome, Refusal } from "../core/outcome.ts";
import { findTooLarge } from "../core/object-size.ts";
import type { BeforeSend, Judged, Keeps, StepOf, Steps } from "../core/plan.ts";
import type { Prepared, Read, Requests } from "../core/ports.ts";
import type { Resource } from "../core/resource.ts";
import type { Ended } from "./follow-plan.ts";
import type { Holds } from "./holds.ts";
import type { OwnObject } from "./own-object.ts";
import type { Conflict, Interruption, Postponed } from "./reconciled.ts";
import type { UnrecordedOutcomes } from "./unrecorded.ts";

export interface SendingDeps {
  readonly unrecorded: Pick<UnrecordedOutcomes, "untilRoom">;
  /** It is known which attempt is being made, or was. */
  readonly onAttempt: (id: string) => void;
}

export interface ExchangeSender {
  /** A request may have left: what comes of it is not to be forgotten. */
  readonly hasSent: () => boolean;
  send(step: StepOf<"exchange">): Promise<Outcome | Interruption>;
  /** `follow` drives what judges each answer. */
  sendAll(
    step: StepOf<"exchanges">,
    follow: <R>(steps: Steps<R>) => Promise<Ended<R> | Interruption>,
  ): Promise<Judged | Interruption>;
}

interface SendingOptions extends SendingDeps {
  readonly object: OwnObject;
  readonly holds: Holds;
  readonly requests: Requests;
  readonly read: Read;
  /** As the plan sees it. */
  readonly resource: Resource;
  /** Aborts preparing. */
  readonly signal: AbortSignal;
  /** Milliseconds since the `now` of the plan. */
  readonly sinceMs: () => number;
  /** Aborts what is on its way. */
  readonly sending: AbortSignal;
}

export function createSending({
  object,
  holds,
  requests,
  read,
  resource,
  signal,
  sending,
  sinceMs,
  ...deps
}: SendingOptions): ExchangeSender {
  let hasSent = false;
  const timed = (outcome: Outcome): Outcome => (outcome.type === "refusal" ? outcome : { ...outcome, tookMs: sinceMs() });

  async function prepare(exchange: Exchange): Promise<Prepared | Refusal | Postponed> {
    // What has begun goes on to its outcome.
    const room = hasSent ? undefined : deps.unrecorded.untilRoom(resource.metadata.namespace);
    if (room) return { type: "postponed", wait: { reason: "StatusesUnwritable", kept: false, free: room } };
    const tooLarge = findTooLarge(resource);
    if (tooLarge) return tooLarge;
    const prepared = await requests.prepare(exchange, read, signal);
    return prepared.type === "busy" ? { type: "postponed", wait: prepared } : prepared;
  }
  async function prepareAll(exchanges: readonly Exchange[]): Promise<readonly Prepared[] | Refusal | Postponed> {
    const all: Prepared[] = [];
    for (const exchange of exchanges) {
      const prepared = await prepare(exchange);
      if (prepared.type === "refusal") return { ...prepared, message: `item ${exchange.scope.item?.index}: ${prepared.message}` };
      if (prepared.type === "postponed") return prepared;
      all.push(prepared);
    }
    return all;
  }
  async function keep({ finalizer, holds: others, stays }: Keeps): Promise<Conflict | undefined> {
    const conflict = await holds.put(others);
    if (conflict || finalizer === undefined) return conflict;
    const own = (await object.setFinalizer({ name: finalizer, present: true })) ?? (await holds.confirm(stays));
    if (!own) await holds.readAhead();
    return own;
  }
  function makeReady(before: BeforeSend): Promise<Conflict | undefined> | undefined {
    if (before.attemptId !== undefined) deps.onAttempt(before.attemptId);
    switch (before.type) {
      case "nothing":
        return object.confirm();
      case "recordIntent":
        return object.recordIntent(before);
    }
  }

  return {
    hasSent: () => hasSent,
    async send({ exchange, beforeSend, ...keeps }) {
      const prepared = await prepare(exchange);
      if (prepared.type !== "prepared") return prepared;
      using request = prepared;
      const isKeeping = keeps.holds || keeps.finalizer !== undefined;
      const conflict = (isKeeping ? await keep(keeps) : undefined) ?? (await makeReady(beforeSend));
      if (conflict) return conflict;
      hasSent = true;
      return timed(await request.send(sending));
    },
    async sendAll({ exchanges, beforeSend, judge }, follow) {
      const all = await prepareAll(exchanges);
      if ("type" in all) return all;
      const conflict = await makeReady(beforeSend);
      if (conflict) return conflict;
      hasSent = true;
      const ended = await Promise.all(
        all.map(async (prepared, position) => {
          using request = prepared;
          return await follow(judge(timed(await request.send(sending)), position));
        }),
      );
      const judgements: unknown[] = [];
      for (const one of ended) {
        if (one.type !== "ended") return one;
        judgements.push(one.value);
      }
      return { type: "judged", judgements };
    },
  };
}
