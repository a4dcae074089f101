/** CustomResourceDefinitions, made from the kinds' definitions. */
import { group, unseenGeneration, version, type KindDefinition } from "./kind-definition.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

/**
 * The `apiextensions.k8s.io/v1` object of a kind, with its status as a subresource.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export function customResourceDefinition(definition: KindDefinition): object {
  const { kind, plural, shortName, scope, description, spec, status, columns } = definition;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ["holdfast"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description,
              required: ["spec"],
              properties: {
                apiVersion: { type: "string", description: `${group}/${version}` },
                kind: { type: "string", description: kind },
                metadata: { type: "object" },
                spec,
                status: unseenAtFirst(status),
              },
            },
          },
        },
      ],
    },
  };
}

/**
 * An object that nobody has looked at is in progress for whoever reads statuses as kstatus does: its status speaks of no
 * generation that there is. Without it a tool that waits would take a new object for done.
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
function unseenAtFirst(status: ObjectSchema): ObjectSchema {
  const { observedGeneration } = status.properties;
  const unseen = { ...observedGeneration, minimum: unseenGeneration, default: unseenGeneration } as Schema;
  return { ...status, default: {}, properties: { ...status.properties, observedGeneration: unseen } };
}
