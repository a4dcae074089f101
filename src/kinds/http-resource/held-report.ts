/** The ends of a reconcile that holds back: nothing is sent, or the object is deleted first. Each says why, and the way out. */
import { pauseSinceMs } from "../../core/backoff.ts";
import { isStalledFor, reconciling, stalled } from "../../core/conditions.ts";
import { replacementDigest } from "./contested.ts";
import type { Context } from "./context.ts";
import {
  deletionFailed,
  deletionGoesOn,
  deletionMs,
  firstLook,
  heldStates,
  inUseBy,
  neverSeen,
  outside,
  replacingFor,
  sinceAttemptMs,
  stillThere,
} from "./held-back.ts";
import type { Report } from "./report.ts";
import type { StatusDraft } from "./status-draft.ts";
import { failingMs } from "./worth-writing.ts";

type Ends = Pick<Report, "held" | "replacing" | "unmade" | "inUse" | "deleting" | "notDeleted">;

export function heldReport(context: Context, { status, attempted, acknowledged, known, due, hint }: StatusDraft): Ends {
  const { status: before, resource, now, retry, intervalMs } = context;
  const { uid } = resource.metadata;
  return {
    held(why) {
      const { states, result, isSoon } = heldStates(context, why);
      const made = status([...states.map((state) => ({ ...state, message: `${state.message}${hint}` })), ...known("Drifted")], {
        ...acknowledged(),
      });
      const pauseMs = isSoon ? pauseSinceMs(uid, firstLook, sinceAttemptMs(context)) : undefined;
      return { status: made, ...(pauseMs === undefined ? due() : { requeueAfterMs: pauseMs }), result, reason: why };
    },
    replacing(why, { attempt, differences } = {}) {
      const message = `${replacingFor[why]}: the object is deleted, and created anew`;
      const made = status(reconciling("Replacing", message), {
        ...(attempt && attempted(attempt)),
        ...(differences && { replacedFor: replacementDigest(context, differences) }),
        replacing: true,
      });
      return { status: made, requeueAfterMs: 0, result: "waiting", reason: "Replacing" };
    },
    unmade(attempt, { message }) {
      const {
        delivered: _,
        conditions = [],
        ...made
      } = status(
        reconciling("Replacing", `${message}: the object is deleted, and is created anew`),
        attempt ? attempted(attempt) : {},
      );
      const told = conditions.filter(({ type }) => type !== "Drifted");
      return { status: { ...made, conditions: told }, requeueAfterMs: 0, result: "waiting", reason: "Replacing" };
    },
    inUse(by) {
      const made = status(reconciling("InUse", `${inUseBy(by)}${hint}`));
      return {
        status: made,
        requeueAfterMs: pauseSinceMs(uid, outside, failingMs(made, "Reconciling", now)),
        result: "waiting",
        reason: "InUse",
      };
    },
    deleting(attempt) {
      const sinceMs = attempt ? 0 : sinceAttemptMs(context);
      const leftMs = deletionMs - sinceMs;
      const [reason, message] = leftMs > 0 ? (["Deleting", deletionGoesOn] as const) : (["NotDeleted", deletionFailed] as const);
      const maxMs = Math.max(firstLook.initialMs, Math.min(retry.maxMs, intervalMs));
      const pauseMs = pauseSinceMs(uid, { initialMs: firstLook.initialMs, maxMs }, sinceMs);
      const made = status(reconciling(reason, `${message}${hint}`), attempt ? attempted(attempt) : {});
      // The end of that time is told when it has come.
      const requeueAfterMs = leftMs > 0 ? Math.min(pauseMs, leftMs) : pauseMs;
      return { status: made, requeueAfterMs, result: "waiting", reason };
    },
    notDeleted(attempt, { message }, isThere) {
      const change = attempted({ ...attempt, phase: "Done", succeeded: false });
      const states = stalled("NotDeleted", `${message}, but ${isThere ? stillThere : neverSeen}${hint}`);
      const isTold = isStalledFor("NotDeleted", before.conditions);
      return { status: status(states, change), ...due(), result: isTold ? "unchanged" : "stalled", reason: "NotDeleted" };
    },
  };
}
