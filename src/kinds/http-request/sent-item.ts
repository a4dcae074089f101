/** An item of a list as it was sent, what is kept of its answer, and what the items make together. Pure. */
import type { ItemStatus } from "../../api/for-each.ts";
import type { HTTPRequestStatus } from "../../api/http-request.ts";
import type { ScopeItem } from "../../core/evaluation.ts";
import { redact } from "../../core/redacted.ts";
import { retryAfterFieldMs } from "../../core/retry.ts";
import { createShown } from "../../core/shown.ts";
import type { Judgement } from "../request/recorded.ts";

/** What a try makes of an item. */
export interface ItemEnd {
  readonly inDoubt: boolean;
  /** Its server did not act on this try. */
  readonly unsent: boolean;
  readonly status: ItemStatus;
}
export interface SentItem extends ItemEnd {
  readonly item: ScopeItem;
  readonly judgement: Judgement & { readonly tookMs: number };
  /** What would be made of it if it did not count as a success. */
  readonly otherwise: ItemEnd;
}
/** What has come of the items. Those that were on their way when a process died may have arrived. */
export function itemsSoFar({ attempt, items }: Pick<HTTPRequestStatus, "attempt" | "items">): HTTPRequestStatus["items"] {
  if (attempt?.phase !== "InFlight") return items;
  return items?.map((item) => (item.phase === "Retrying" ? { ...item, inDoubt: true } : item));
}
/** The same, where somebody says that what may have arrived has. What provably has not is not sent any more. */
export function acknowledge(items: readonly ItemStatus[]): readonly ItemStatus[] {
  return items.map((item) => {
    if (item.phase === "Succeeded" || item.phase === "Failed") return item;
    const { inDoubt = item.tries > 0, ...rest } = item;
    return inDoubt ? { ...rest, phase: "Succeeded", reason: "AcknowledgedAsDelivered" } : { ...rest, phase: "Failed" };
  });
}

/** Together they make one document for the outputs' expressions. */
export const maxKeptBytes = 2 * 1024 * 1024;

/** A success keeps its answer, of which outputs are made, and where there is no more room for that it is none. */
export function keptWithin(room: { leftBytes: number }, one: SentItem): SentItem {
  const { succeeded, response } = one.judgement;
  if (!succeeded || !response) return withoutBody(one);
  if (response.sizeBytes <= room.leftBytes) {
    room.leftBytes -= response.sizeBytes;
    return one;
  }
  const reason = "ResponseTooLarge";
  const message = `answered ${response.statusCode}, but the answers of which outputs are made are longer than ${maxKeptBytes} bytes together`;
  const judgement = { ...one.judgement, succeeded: false, reason, message };
  return withoutBody({ ...one, judgement, status: { ...one.status, phase: "Failed", reason } });
}
/** What nobody needs once it has been judged is let go, so that one answer is held at a time, and not all of them. */
export function withoutBody(one: SentItem): SentItem {
  const { response } = one.judgement;
  if (!response) return one;
  const { statusCode, headers, sizeBytes, sha256, durationMs } = response;
  const head = {
    statusCode,
    headers,
    sizeBytes,
    sha256,
    durationMs,
    body: redact(""),
    shown: createShown({ headers, body: "" }),
  };
  return { ...one, judgement: { ...one.judgement, response: head } };
}

export function sumUp(items: readonly ItemStatus[], sent: readonly SentItem[], now: Date): Judgement {
  const failed = items.filter(({ phase }) => phase !== "Succeeded");
  const [worst] = failed;
  const common = { items, ...longestRetryAfter(sent, now) };
  if (!worst)
    return { ...common, succeeded: true, reason: "Succeeded", message: `all ${items.length} items were answered as expected` };
  const message = sent.find(({ item }) => item.index === worst.index)?.judgement.message ?? worst.reason;
  const others = failed.length > 1 ? `; and ${failed.length - 1} more` : "";
  return {
    ...common,
    succeeded: false,
    reason: "ItemsFailed",
    message: `${failed.length} of ${items.length} items did not succeed: item ${worst.index}: ${message}${others}`,
  };
}
/** The response by which the next try is paced. */
function longestRetryAfter(sent: readonly SentItem[], now: Date): Pick<Judgement, "response"> {
  const asked = ({ judgement: { response } }: SentItem): number => retryAfterFieldMs(response, now);
  const [longest] = sent
    .filter(({ status, judgement }) => status.phase === "Retrying" && judgement.response)
    .toSorted((a, b) => asked(b) - asked(a));
  return longest?.judgement.response ? { response: longest.judgement.response } : {};
}
