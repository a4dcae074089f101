/** The Secrets and ConfigMaps that a spec refers to itself; an endpoint's are not among them. */
import type { Inputs } from "../../api/request.ts";
import type { HTTPRequestSpec } from "../../api/http-request.ts";
import type { Dependency } from "../../core/plan.ts";
import { configMapType, secretType } from "../../core/resource.ts";

interface Named {
  readonly name: string;
}
interface Refs {
  readonly secretKeyRef?: Named;
  readonly configMapKeyRef?: Named;
}
interface Shape {
  readonly body?: Refs & { readonly multipart?: readonly Refs[] };
}
interface Referring {
  readonly inputs?: Inputs;
  readonly tls?: HTTPRequestSpec["tls"];
  readonly sign?: HTTPRequestSpec["sign"];
}

/** `shapes`: its requests. Each object once. */
export function dataReferences({ inputs = {}, tls, sign }: Referring, shapes: readonly Shape[], namespace: string): Dependency[] {
  const bodies = shapes.flatMap(({ body }): Refs[] => [body ?? {}, ...(body?.multipart ?? [])]);
  const all: readonly Refs[] = [
    ...Object.values(inputs),
    ...bodies,
    ...(sign?.keys ?? []),
    ...[tls?.ca, tls?.certificate, tls?.key].filter((one) => one !== undefined),
  ];
  const secrets = new Set(all.flatMap(({ secretKeyRef }) => secretKeyRef?.name ?? []));
  const configMaps = new Set(all.flatMap(({ configMapKeyRef }) => configMapKeyRef?.name ?? []));
  return [
    ...[...secrets].map((name) => ({ type: secretType, key: { namespace, name } })),
    ...[...configMaps].map((name) => ({ type: configMapType, key: { namespace, name } })),
  ];
}
