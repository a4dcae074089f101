/**
 * All EgressPolicies, and what they make of each namespace.
 *
 * Invariant: what a namespace may do is never guessed: where there are policies and its labels are not known, there are no rules.
 */
import type { EgressDefault, EgressRules } from "../../core/egress.ts";
import { selects, type Labels } from "../../core/label-selector.ts";
import { namespaceType, type Resource } from "../../core/resource.ts";
import { compilePolicy, type CompiledPolicy } from "./policy.ts";
import { egressPolicyType, type EgressPolicy } from "../types.ts";

export interface EgressPolicies {
  /** To be told of every change of an EgressPolicy or Namespace, as soon as it is known. */
  observe(kind: string, name: string, after: Resource | undefined): void;
  /** The same object until something changes. Undefined: nothing is known of the namespace, so nothing may be sent. */
  rulesFor(namespace: string): EgressRules | undefined;
}
export interface EgressPoliciesOptions {
  readonly default: EgressDefault;
  readonly clusterDomain: string;
}

/** Knows no policy and no namespace at first: until it is told of one, `options.default` holds everywhere. */
export function createEgressPolicies(options: EgressPoliciesOptions): EgressPolicies {
  const policies = new Map<string, { readonly compiled: CompiledPolicy; readonly policy: EgressPolicy }>();
  const namespaces = new Map<string, Labels>();
  const known = new Map<string, EgressRules | undefined>();

  function rules(namespace: string): EgressRules | undefined {
    const labels = namespaces.get(namespace);
    if (!labels && policies.size > 0) return undefined;
    const chosen = [...policies.values()]
      .filter(({ policy }) => selects(policy.spec.namespaceSelector ?? {}, labels ?? {}))
      .map(({ compiled }) => compiled);
    const byDefault = chosen.find((one) => one.default === "Deny") ?? chosen.find((one) => one.default !== undefined);
    return {
      default: byDefault?.default ?? options.default,
      defaultName: byDefault?.name ?? "--egress-default",
      allow: chosen.flatMap(({ allow }) => allow),
      deny: chosen.flatMap(({ deny }) => deny),
    };
  }
  return {
    observe(kind, name, after) {
      if (kind === egressPolicyType.kind) {
        const policy = after as EgressPolicy | undefined;
        const before = policies.get(name)?.policy.metadata;
        const isKnown = before?.uid === policy?.metadata.uid && before?.generation === policy?.metadata.generation;
        if (isKnown) return; // nothing but its status
        if (policy) policies.set(name, { policy, compiled: compilePolicy(policy, options.clusterDomain) });
        else policies.delete(name);
      } else if (kind === namespaceType.kind) {
        if (after) namespaces.set(name, after.metadata.labels ?? {});
        else namespaces.delete(name);
      } else return;
      known.clear();
    },
    rulesFor(namespace) {
      if (!known.has(namespace)) known.set(namespace, rules(namespace));
      return known.get(namespace);
    },
  };
}
