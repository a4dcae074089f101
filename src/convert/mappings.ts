/** Which of a Request's mappings is used for what, and what of that is allowed. */
import { withKept } from "./async.ts";
import type { Findings } from "./findings.ts";
import type { PeerRequest } from "./peer-object.ts";
import type { PeerMapping } from "./peer-schema.ts";

export type Action = "OBSERVE" | "CREATE" | "UPDATE" | "REMOVE";

interface ActionKind {
  readonly action: Action;
  /** What an HTTPResource calls it. */
  readonly verb: "observe" | "create" | "update" | "delete";
  /** Where the mapping names none. */
  readonly method: string;
  /** By which name `managementPolicies` allows it. */
  readonly policy: string;
}
export const actions: readonly ActionKind[] = [
  { action: "OBSERVE", verb: "observe", method: "GET", policy: "Observe" },
  { action: "CREATE", verb: "create", method: "POST", policy: "Create" },
  { action: "UPDATE", verb: "update", method: "PUT", policy: "Update" },
  { action: "REMOVE", verb: "delete", method: "DELETE", policy: "Delete" },
];

/** One that is used, as its request is sent. */
export interface Mapped extends ActionKind {
  readonly mapping: PeerMapping;
  /** `mappings[2]`. */
  readonly field: string;
}

/** Which of them it is: the first of that action, or else of that method. */
function indexOf(
  mappings: readonly PeerMapping[],
  { action, method }: ActionKind,
): { readonly index: number; readonly isNamed: boolean } {
  const named = mappings.findIndex((one) => one.action === action);
  return { index: named === -1 ? mappings.findIndex((one) => one.method === method) : named, isNamed: named !== -1 };
}
/** What is sent for it, whether that is allowed or not; undefined: there is none. */
export function mappingOf({ spec }: PeerRequest, action: Action): PeerMapping | undefined {
  const kind = actions.find((one) => one.action === action);
  return kind && spec.forProvider.mappings[indexOf(spec.forProvider.mappings, kind).index];
}

/** Those that are there, first by action and then by method, and may be sent. */
export function mappedActions({ spec, kind, async }: PeerRequest, findings: Findings): readonly Mapped[] {
  const mappings = async ? spec.forProvider.mappings.map(withKept) : spec.forProvider.mappings;
  const policies = spec.managementPolicies ?? ["*"];
  return actions.flatMap((one) => {
    const { index, isNamed } = indexOf(mappings, one);
    const mapping = mappings[index];
    if (!mapping) return [];
    const field = `mappings[${index}]`;
    if (!isNamed && mapping.action !== undefined && mapping.action !== "")
      findings.add(
        "CHANGE",
        field,
        `${kind} has no ${one.action}, and this ${mapping.action} was sent for it, since its method is ${one.method}; so it is here`,
      );
    if (!policies.includes("*") && !policies.includes(one.policy)) {
      findings.add("INFO", "managementPolicies", `${one.policy} is not among them: ${one.verb} is left out`);
      return [];
    }
    return [{ ...one, mapping, field }];
  });
}
