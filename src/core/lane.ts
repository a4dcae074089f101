/** Why something is to be done, which says who goes first wherever it has to wait: for a worker, an origin, a turn. */

/** The first goes first. `change`: somebody has changed it. `due`: its time has come. `listing`: a listing brought it, or what many share. */
export const lanes = ["change", "due", "listing"] as const;
export type Lane = (typeof lanes)[number];

export function earlierLane(a: Lane, b: Lane | undefined): Lane {
  return b !== undefined && lanes.indexOf(b) < lanes.indexOf(a) ? b : a;
}
