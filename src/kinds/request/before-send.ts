/** What has to happen before a request leaves, by what would come of sending it twice. */
import type { Attempt } from "../../core/delivery.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { BeforeSend } from "../../core/plan.ts";
import { dependsOnInputs } from "../../core/templating.ts";
import { isIdempotent } from "../../core/http-method.ts";

interface Circumstances<A extends Attempt> {
  readonly attempt: A;
  readonly instanceId: string;
  /** As it is declared, whatever the method is. */
  readonly idempotent: boolean | undefined;
  /** Whether the server knows a request again by an idempotency key. */
  readonly keyed: boolean;
  /** It makes an object, which may be found by its key alone. */
  readonly creates?: boolean;
  /** What is declared says where that object is: by another declaration nobody would find it. */
  readonly isPlaced?: boolean;
  /** The status that says that the attempt is on its way. */
  readonly inFlight: (attempt: A) => object;
}

/**
 * Without an intent, a crash would leave no trace of a request that may have left. A key that is honoured makes it
 * needless, if what is sent again is the same; which for the tick of a schedule would have to be known after the crash, when
 * another may have come, and for a create, when what is declared may be another: that has another key, or another place, and would
 * make another object.
 */
export function decideBeforeSend<A extends Attempt>(
  { request }: Exchange,
  { attempt, instanceId, idempotent, keyed, creates = false, isPlaced = false, inFlight }: Circumstances<A>,
): BeforeSend {
  const isRepeatable = idempotent ?? isIdempotent(request.method);
  // What it tells of is found again in the intent alone: what it was about has gone on by then.
  const isKeyKnown = keyed && !creates && attempt.tick === undefined && !dependsOnInputs(request);
  if (attempt.event === undefined && ((isRepeatable && !isPlaced) || isKeyKnown))
    return { type: "nothing", attemptId: attempt.id };
  return {
    type: "recordIntent",
    status: inFlight({ ...attempt, sender: instanceId }),
    attemptId: attempt.id,
    sender: instanceId,
  };
}
