/** What a request says whose inputs decide when it is sent, and of which no watch tells. Pure. */
import { conditions, type Condition, type ConditionState } from "../../core/conditions.ts";
import type { Situation, Verdict } from "../../core/plan.ts";
import type { HTTPRequest } from "../types.ts";

const unwatched: ConditionState = {
  type: "InputsUnwatched",
  status: "True",
  reason: "TooManyNamespaces",
  message:
    "Holdfast may not watch the Secrets and ConfigMaps of all namespaces, and there are too many to watch each: another value of an input is found within five minutes",
};

/** The verdict with that condition, where it holds. */
export function tellUnwatched(verdict: Verdict, { resource, now, isUnwatched }: Situation<HTTPRequest>): Verdict {
  if (isUnwatched !== true || !resource.spec.rerunOn) return verdict;
  const { conditions: told = [], ...status }: { readonly conditions?: readonly Condition[] } = verdict.status;
  const before = resource.status?.conditions ?? [];
  const more = conditions([unwatched], before, resource.metadata.generation, now.toISOString());
  const others = told.filter(({ type }) => type !== unwatched.type);
  return { ...verdict, status: { ...status, conditions: [...others, ...more] } };
}
