/**
 * Takes what Kubernetes says of the types of its own that the chart's values have, as JSON Schema, from its OpenAPI document:
 * `node tools/generate/chart/take-types.ts SWAGGER.json VERSION`, which is api/openapi-spec/swagger.json of that release of Kubernetes.
 *
 * Types and what is required are taken, and nothing is closed: a later Kubernetes knows fields that this one does not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Definition {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly items?: Definition;
  readonly additionalProperties?: Definition;
}
interface OpenAPI {
  readonly definitions: Readonly<Record<string, Definition>>;
}

const wanted = [
  "Affinity Container EnvVar HostAlias PodDNSConfig PodSecurityContext Probe ResourceRequirements SecurityContext Toleration TopologySpreadConstraint Volume VolumeMount",
  "DeploymentStrategy",
  "NetworkPolicyEgressRule NetworkPolicyIngressRule NetworkPolicyPeer",
  "LabelSelector",
];
const groups = ["api.core.v1", "api.apps.v1", "api.networking.v1", "apimachinery.pkg.apis.meta.v1"];
/** Of more than one form. */
const scalars: Readonly<Record<string, object>> = {
  IntOrString: { type: ["integer", "string", "null"] },
  Quantity: { type: ["string", "number", "null"] },
};

const shortName = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** A field that may be left out may be null as well. */
function schemaOf(definition: Definition, isRequired: boolean, need: (name: string) => void): object {
  if (definition.$ref !== undefined) {
    const name = definition.$ref.slice("#/definitions/".length);
    const short = shortName(name);
    if (scalars[short]) return scalars[short];
    need(name);
    return { $ref: `#/definitions/${short}` };
  }
  const { type = "object", items, additionalProperties } = definition;
  return {
    type: isRequired ? type : [type, "null"],
    ...(items && { items: schemaOf(items, true, need) }),
    ...(additionalProperties && { additionalProperties: schemaOf(additionalProperties, true, need) }),
  };
}

function takeTypes({ definitions }: OpenAPI, kubernetes: string): object {
  const taken: Record<string, object> = {};
  const need = (name: string): void => {
    const short = shortName(name);
    const { required = [], properties = {} } = definitions[name] ?? {};
    if (Object.hasOwn(taken, short)) return;
    taken[short] = {};
    const fields = Object.entries(properties).map(([field, of]) => [field, schemaOf(of, required.includes(field), need)]);
    taken[short] = {
      type: ["object", "null"],
      ...(required.length > 0 && { required }),
      properties: Object.fromEntries(fields) as object,
    };
  };
  for (const [at, names] of wanted.entries()) for (const name of names.split(" ")) need(`io.k8s.${groups[at]}.${name}`);
  return { kubernetes, definitions: Object.fromEntries(Object.entries(taken).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

const [path = "", kubernetes = ""] = process.argv.slice(2);
const types = takeTypes(JSON.parse(readFileSync(path, "utf8")) as OpenAPI, kubernetes);
writeFileSync(join(import.meta.dirname, "kubernetes-types.json"), `${JSON.stringify(types, undefined, 1)}\n`);
