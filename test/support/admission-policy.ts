/** A ValidatingAdmissionPolicy with its binding, by which an API server refuses what is written in one namespace. */

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly ("CREATE" | "UPDATE" | "DELETE")[];
  readonly resources: readonly string[];
}

/** As JSON, to be applied. `expression`: CEL that holds for what is let through. */
export function policyManifest(
  name: string,
  { namespace, rule, expression }: { readonly namespace: string; readonly rule: PolicyRule; readonly expression: string },
): string {
  const apiVersion = "admissionregistration.k8s.io/v1";
  const matchResources = { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } };
  const items = [
    {
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, message: "not now" }] },
    },
    {
      apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"], matchResources },
    },
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
