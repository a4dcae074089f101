/**
 * What is held back says so in its status: where it waits for its turn, for long, and where the store is against what has to be
 * written first.
 *
 * Invariant: its place in the line is not touched, and nothing is read for it.
 */
import { isReady, type Condition } from "../core/conditions.ts";
import type { DeliveryRecord } from "../core/delivery.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Resource } from "../core/resource.ts";
import { deriveTransitionEvent } from "../core/transition-event.ts";
import type { Kind, Situation, Verdict } from "../core/plan.ts";
import type { Announce } from "../core/ports.ts";
import { sameJSON } from "../core/tools/json.ts";
import { createOwnObject, type OwnObjectDeps } from "./own-object.ts";
import type { LongWait } from "./postponed.ts";
import type { Conflict } from "./reconciled.ts";

interface TellDeps extends OwnObjectDeps {
  readonly announce: Announce;
}

/** The verdict that has been written; undefined: its kind says nothing of it. */
export async function tellWait(
  kind: Kind,
  situation: Situation,
  wait: LongWait,
  { deps, signal }: { readonly deps: TellDeps; readonly signal: AbortSignal },
): Promise<Verdict | Conflict | undefined> {
  if (saysMore(situation.resource)) return undefined;
  const refusal = refusalFor(wait);
  return refusal && tellHeldBack(kind, situation, refusal, { deps, signal });
}

/** The same of whatever holds it back. */
export async function tellHeldBack(
  kind: Kind,
  situation: Situation,
  refusal: Refusal,
  { deps, signal }: { readonly deps: TellDeps; readonly signal: AbortSignal },
): Promise<Verdict | Conflict | undefined> {
  const { resource } = situation;
  const verdict = kind.heldBack?.(situation, refusal);
  if (!verdict || sameJSON(verdict.status, resource.status ?? {})) return verdict;
  const object = createOwnObject(kind, resource, deps, signal);
  const conflict = await object.tell(verdict.status, signal);
  if (conflict) return conflict;
  const told = deriveTransitionEvent(resource.status, verdict.status);
  if (told) deps.announce(kind.type, object.current(), told);
  return verdict;
}

/** It is as declared, or is being tried: its status says so, and that its next look or try waits for its turn takes none of it back. */
function saysMore({ metadata, status = {} }: Resource): boolean {
  const said: Partial<DeliveryRecord> & { observedGeneration?: number; conditions?: readonly Condition[] } = status;
  return said.attempt?.phase === "Retrying" || (said.observedGeneration === metadata.generation && isReady(said.conditions));
}

function refusalFor({ reason, about = "its endpoint", turnInMs }: LongWait): Refusal | undefined {
  const known = { type: "refusal", heals: true, ...(turnInMs !== undefined && { retryAfterMs: Math.ceil(turnInMs) }) } as const;
  switch (reason) {
    case "RateLimited":
      return { ...known, reason, message: `its turn under spec.rateLimit of ${about} has not come yet; it is sent when it does` };
    case "EndpointBusy": {
      const message = `as many requests are under way by ${about} as its spec.maxInFlight lets; it is sent when its turn comes`;
      return { ...known, reason, message };
    }
    case "OriginBusy": {
      const message =
        "as many requests are under way at its server as --max-in-flight-per-origin lets; it is sent when its turn comes";
      return { ...known, reason, message };
    }
    case "TokenPending":
      return { ...known, reason, message: "the token that its endpoint needs has been asked for, and has not come yet" };
    case "CircuitHalfOpen": {
      const message =
        "its server has failed again and again, and is being tried by one request; it is sent when that has been answered";
      return { ...known, reason: "CircuitOpen", message };
    }
    case "StatusesUnwritable":
      return undefined;
  }
}
