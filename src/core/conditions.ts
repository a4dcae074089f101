/**
 * Status conditions, as kstatus reads them: `Ready` always; `Reconciling` and `Stalled` only while true.
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339: when `status` last changed. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
export type ConditionState = Pick<Condition, "type" | "status" | "reason" | "message">;

const longestMessage = 1024;

/**
 * The conditions that hold now, in the order given. One whose status did not change keeps its transition time, so
 * nothing to say means nothing to write.
 */
export function conditions(
  states: readonly ConditionState[],
  before: readonly Condition[],
  generation: number,
  now: string,
): readonly Condition[] {
  return states.map((state) => {
    const previous = before.find(({ type }) => type === state.type);
    if (previous && isAsBefore(previous, state, generation)) return previous;
    return {
      ...state,
      message: cut(state.message),
      lastTransitionTime: previous?.status === state.status ? previous.lastTransitionTime : now,
      observedGeneration: generation,
    };
  });
}

function isAsBefore(previous: Condition, { status, reason, message }: ConditionState, generation: number): boolean {
  const isSame = previous.status === status && previous.reason === reason && previous.message === message;
  return isSame && previous.observedGeneration === generation;
}

/** Text that the API server keeps as it is: no half of a character. */
function cut(message: string): string {
  const text = message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message;
  return text.toWellFormed();
}

/** Success: Ready, and nothing more to do. */
export function ready(reason: string, message: string): ConditionState[] {
  return [{ type: "Ready", status: "True", reason, message }];
}
/** On its way: not ready yet, and being worked on without anybody's help. */
export function reconciling(reason: string, message: string): ConditionState[] {
  return [
    { type: "Ready", status: "False", reason, message },
    { type: "Reconciling", status: "True", reason, message },
  ];
}
/** It will stay as it is until somebody changes something. */
export function stalled(reason: string, message: string): ConditionState[] {
  return [
    { type: "Ready", status: "False", reason, message },
    { type: "Stalled", status: "True", reason, message },
  ];
}

/** A condition of a status of whatever kind; of Stalled and Reconciling only where it is true. */
export function findCondition(status: object | undefined, wanted: string): Condition | undefined {
  const { conditions }: { readonly conditions?: unknown } = status ?? {};
  const all = Array.isArray(conditions) ? (conditions as readonly Condition[]) : [];
  const isAbnormal = wanted === "Stalled" || wanted === "Reconciling";
  return all.find(({ type, status }) => type === wanted && (!isAbnormal || status === "True"));
}

/** Whether this is what it is stalled for. */
export function isStalledFor(reason: string, conditions: readonly Condition[] | undefined): boolean {
  return conditions?.some((one) => one.type === "Stalled" && one.status === "True" && one.reason === reason) === true;
}

/** Whether the `Ready` condition is true, of whatever generation it speaks. */
export function isReady(conditions: readonly Condition[] | undefined): boolean {
  return conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}
