/** What manifests declare, and what one of their requests would read of them: `holdfast render` sends nothing, and asks nobody. */
import type { EgressRules } from "../core/egress.ts";
import type { Output } from "../core/output.ts";
import type { Read } from "../core/ports.ts";
import { configMapType, keyText, namespaceType, secretType, type Resource } from "../core/resource.ts";
import { createEgressPolicies } from "../kinds/egress/policies.ts";
import { endpointReferences, usedEndpoint, type EndpointRef } from "../kinds/request/endpoint.ts";
import { declaredOutputs } from "../kinds/request/outputs.ts";
import {
  clusterHTTPEndpointType,
  egressPolicyType,
  httpEndpointType,
  httpRequestType,
  httpResourceType,
  type Endpoint,
  type HTTPRequest,
  type HTTPResource,
  type UsedEndpoint,
} from "../kinds/types.ts";
import type { StandaloneStore } from "../standalone/store.ts";
import { ownMachine } from "./egress.ts";
import { plannedRead } from "./planned-outputs.ts";

export interface Declared {
  readonly requests: readonly HTTPRequest[];
  readonly resources: readonly HTTPResource[];
  /** Of either kind. */
  readonly endpoints: readonly Endpoint[];
  readonly endpointOf: (ref: EndpointRef | undefined, namespace: string) => UsedEndpoint | undefined;
  readonly rulesFor: (namespace: string) => EgressRules | undefined;
  /** Of what no manifest has, it reads what an output will make. */
  readonly readIn: (namespace: string) => Read;
}

export async function readDeclared(store: StandaloneStore): Promise<Declared> {
  const policies = createEgressPolicies(ownMachine);
  const referred = new Map<string, Resource>();
  for (const type of [httpEndpointType, clusterHTTPEndpointType, namespaceType, egressPolicyType]) {
    for (const one of await list<Resource>(store, type)) {
      referred.set(`${type.kind} ${keyText(one.metadata)}`, one);
      policies.observe(type.kind, one.metadata.name, one);
    }
  }
  const requests = await list<HTTPRequest>(store, httpRequestType);
  const resources = await list<HTTPResource>(store, httpResourceType);
  const endpoints = [
    ...(await list<Endpoint>(store, httpEndpointType)),
    ...(await list<Endpoint>(store, clusterHTTPEndpointType)),
  ];
  const { signal } = new AbortController();
  return {
    requests,
    resources,
    endpoints,
    rulesFor: (namespace) => policies.rulesFor(namespace),
    endpointOf(ref, namespace) {
      const references = endpointReferences(ref, namespace);
      return usedEndpoint(
        ref,
        references.map(({ type, key }) => referred.get(`${type.kind} ${keyText(key)}`)),
      );
    },
    readIn:
      (namespace) =>
      async (kind, name, elsewhere = namespace) => {
        const key = { namespace: elsewhere, name };
        const found = await store.read({ type: kind === "Secret" ? secretType : configMapType, key }, signal);
        if (found.type !== "absent") return found;
        const neighbours = [...requests, ...resources].filter(({ metadata }) => metadata.namespace === elsewhere);
        return plannedRead(neighbours.flatMap(outputsOf), kind, key) ?? found;
      },
  };
}

export function outputsOf({ spec }: Pick<HTTPRequest | HTTPResource, "spec">): readonly Output[] {
  return declaredOutputs(spec.outputs, "spec.outputs");
}

async function list<R>(store: StandaloneStore, type: Parameters<StandaloneStore["watch"]>[0]): Promise<readonly R[]> {
  for await (const event of store.watch(type, new AbortController().signal)) {
    if (event.type === "listed") return event.resources as readonly R[];
  }
  return [];
}
