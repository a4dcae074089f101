/** EgressPolicy: its plan, which says whether it can be kept, and what its rules mean. */
import type { EgressPolicyRule, EgressPolicySpec } from "../../api/egress-policy.ts";
import { parseNetwork, type Network } from "../../core/tools/address.ts";
import { conditions, ready, stalled } from "../../core/conditions.ts";
import type { EgressRule } from "../../core/egress.ts";
import type { Kind, Plan, Situation } from "../../core/plan.ts";
import { egressPolicyType, isEgressDenied, type EgressPolicy } from "../types.ts";

export const egressPolicyKind: Kind<EgressPolicy> = {
  type: egressPolicyType,
  references: () => [],
  wakesOthers: isEgressDenied,
  // oxlint-disable-next-line require-yield -- there is nothing to send
  *plan({ resource: { metadata, spec, status }, now }: Situation<EgressPolicy>): Plan {
    const { generation } = metadata;
    const wrong = wrongNetworks(spec);
    const states =
      wrong.length === 0
        ? ready("Accepted", "requests are held to it")
        : stalled(
            "InvalidCIDR",
            `${wrong.join(", ")}: no network; until it is one, a rule in deny denies everything else that it names`,
          );
    return {
      status: {
        observedGeneration: generation,
        conditions: conditions(states, status?.conditions ?? [], generation, now.toISOString()),
      },
      result: wrong.length === 0 ? "unchanged" : "stalled",
      reason: wrong.length === 0 ? "Accepted" : "InvalidCIDR",
    };
  },
};

/** The fields that hold what the schema's pattern lets through and is no network. */
function wrongNetworks({ allow = [], deny = [] }: EgressPolicySpec): readonly string[] {
  return Object.entries({ allow, deny }).flatMap(([list, rules]) =>
    rules.flatMap(({ cidrs = [] }, index) =>
      cidrs.flatMap((cidr, place) => (parseNetwork(cidr) ? [] : [`spec.${list}[${index}].cidrs[${place}]`])),
    ),
  );
}

export interface CompiledPolicy {
  readonly name: string;
  readonly default?: "AllowPublic" | "Deny";
  readonly allow: readonly EgressRule[];
  readonly deny: readonly EgressRule[];
}

/** `clusterDomain`: what follows `.svc` in the names that the cluster's DNS answers for. */
export function compilePolicy({ metadata, spec }: EgressPolicy, clusterDomain: string): CompiledPolicy {
  const name = `EgressPolicy "${metadata.name}"`;
  const compile = (list: "allow" | "deny"): readonly EgressRule[] =>
    (spec[list] ?? []).map((rule, index) => compileRule(rule, { list, name: `${name} ${list}[${index}]`, clusterDomain }));
  return { name, ...(spec.default && { default: spec.default }), allow: compile("allow"), deny: compile("deny") };
}

function compileRule(
  { hosts, services, cidrs, ports, methods }: EgressPolicyRule,
  { list, name, clusterDomain }: { list: "allow" | "deny"; name: string; clusterDomain: string },
): EgressRule {
  const networks = cidrs?.map(parseNetwork);
  const known = networks?.filter((network): network is Network => network !== undefined);
  // What cannot be read must not open anything, nor fail to close.
  const unreadable = networks?.length !== known?.length;
  return {
    name,
    ...(hosts && { hosts }),
    ...(services && { serviceHosts: services.flatMap((service) => serviceHosts(service, clusterDomain)) }),
    ...(known && !(unreadable && list === "deny") && { networks: known }),
    ...(ports && { ports }),
    ...(methods && { methods }),
  };
}

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/ */
function serviceHosts(
  { namespace, name = "*" }: { readonly namespace: string; readonly name?: string },
  clusterDomain: string,
): readonly string[] {
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.${clusterDomain}`];
}
