/** What people are told of a request that has failed, and is not tried again though another try may end otherwise. Pure. */
import { whyNotAgain } from "../../core/conclusion.ts";
import type { Desired } from "../../core/delivery.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Judgement } from "../request/recorded.ts";

type Ended = Exclude<Outcome, { type: "refusal" }>;

export function tellNotAgain<J extends Judgement>(
  judgement: J,
  { outcome, desired, method }: { readonly outcome: Ended; readonly desired: Desired; readonly method: string },
): J {
  const what = outcome.type === "failure" ? outcome.reason : String(outcome.response.statusCode);
  switch (whyNotAgain(outcome, desired)) {
    case "Unsafe": {
      const ways = `where a second one does no harm, declare idempotencyKey or idempotent: true, or list ${what} in retry.when, which takes the place of the usual list`;
      return {
        ...judgement,
        message: `${judgement.message}. It is not tried again, since a ${method} without a key may have been carried out: ${ways}`,
      };
    }
    case "Unlisted":
      return {
        ...judgement,
        message: `${judgement.message}. It is not tried again, since retry.when, which takes the place of the usual list, does not have ${what}`,
      };
    case undefined:
      return judgement;
  }
}
