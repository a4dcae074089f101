/** HTTPEndpoint's plan: there is nothing to do, and its status says that it is accepted. */
import { conditions, ready } from "../core/conditions.ts";
import type { Kind, Plan, Situation } from "../core/plan.ts";
import { httpEndpointType, type HTTPEndpoint } from "./types.ts";

export const httpEndpointKind: Kind<HTTPEndpoint> = {
  type: httpEndpointType,
  references: () => [],
  // oxlint-disable-next-line require-yield -- there is nothing to send
  *plan({ resource: { metadata, status }, now }: Situation<HTTPEndpoint>): Plan {
    const { generation } = metadata;
    const states = ready("Accepted", "requests can use it");
    return {
      status: {
        observedGeneration: generation,
        conditions: conditions(states, status?.conditions ?? [], generation, now.toISOString()),
      },
      result: "unchanged",
      reason: "Accepted",
    };
  },
};
