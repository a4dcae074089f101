/**
 * The Secrets, ConfigMaps and Namespaces of manifests.
 *
 * Invariant: the version of one changes with what it holds and with nothing else, so that a reload wakes only who uses what differs.
 */
import { isDeepStrictEqual } from "node:util";
import { sameJSON } from "../core/tools/json.ts";
import {
  configMapType,
  keyText,
  namespaceType,
  secretType,
  type DataResource,
  type Resource,
  type ResourceKey,
  type ResourceType,
} from "../core/resource.ts";
import type { Manifests } from "./manifests.ts";
import { dataResource } from "./state.ts";
import type { Change } from "./watchers.ts";

interface DeclaredData {
  get(kind: string, key: ResourceKey): DataResource | undefined;
  /** Of one namespace, as a watch tells them: without what they hold. */
  listed(type: ResourceType, namespace: string): readonly Resource[];
  namespaces(): readonly Resource[];
  /** Takes other manifests from now on; what differs, under the names by which it is watched. */
  reload(manifests: Omit<Manifests, "ignored">): readonly WatchedChange[];
}
export interface WatchedChange {
  readonly resource: string;
  readonly change: Change;
}

export const namespacesName = namespaceType.plural;
/** Under which the data of one namespace is watched. */
export function dataName({ plural }: ResourceType, namespace: string): string {
  return `${plural}/${namespace}`;
}

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name */
const nameLabel = "kubernetes.io/metadata.name";

/** Holds nothing before the first `reload`. `nextVersion`: a resourceVersion that nothing has had. */
export function createDeclaredData(nextVersion: () => number): DeclaredData {
  let data: ReadonlyMap<string, DataResource> = new Map();
  let namespaces: ReadonlyMap<string, Resource> = new Map();

  function reloadData(declared: Manifests["data"]): WatchedChange[] {
    const before = data;
    data = new Map(
      declared.map((one) => {
        const id = `${one.type.kind} ${keyText(one.key)}`;
        const known = before.get(id);
        const isSame = known && isDeepStrictEqual(known.data, one.data);
        return [id, dataResource(one, isSame ? Number(known.metadata.resourceVersion) : nextVersion())];
      }),
    );
    return [secretType, configMapType].flatMap((type) => {
      const ofType = (all: typeof data): Map<string, Resource> =>
        new Map([...all].filter(([id]) => id.startsWith(`${type.kind} `)).map(([id, one]) => [id, withoutContent(one)]));
      return differences(ofType(before), ofType(data), ({ metadata }) => dataName(type, metadata.namespace));
    });
  }
  function reloadNamespaces({ objects, data: declared, namespaces: labelled }: Omit<Manifests, "ignored">): WatchedChange[] {
    const before = namespaces;
    const used = [...objects, ...declared].map(({ key }) => key.namespace).filter((namespace) => namespace !== "");
    const labels = new Map(labelled.map((one) => [one.key.name, one.labels]));
    namespaces = new Map(
      [...new Set([...used, ...labels.keys()])].map((name) => {
        const own = { ...labels.get(name), [nameLabel]: name };
        const known = before.get(name);
        return [name, known && sameJSON(known.metadata.labels, own) ? known : namespaceOf(name, own, nextVersion())];
      }),
    );
    return differences(before, namespaces, () => namespacesName);
  }
  /** What is gone is told at a new version, since whoever watches takes nothing older than what it has. */
  function differences(
    before: ReadonlyMap<string, Resource>,
    after: ReadonlyMap<string, Resource>,
    nameOf: (resource: Resource) => string,
  ): WatchedChange[] {
    const gone = [...before].filter(([id]) => !after.has(id)).map(([, resource]) => resource);
    const differing = [...after].filter(
      ([id, { metadata }]) => before.get(id)?.metadata.resourceVersion !== metadata.resourceVersion,
    );
    return [
      ...gone.map((one): WatchedChange => {
        const resource = { ...one, metadata: { ...one.metadata, resourceVersion: String(nextVersion()) } };
        return { resource: nameOf(one), change: { type: "deleted", resource } };
      }),
      ...differing.map(([, one]): WatchedChange => ({ resource: nameOf(one), change: { type: "applied", resource: one } })),
    ];
  }

  return {
    get: (kind, key) => data.get(`${kind} ${keyText(key)}`),
    listed: (type, namespace) =>
      [...data].filter(([id]) => id.startsWith(`${type.kind} ${namespace}/`)).map(([, resource]) => withoutContent(resource)),
    namespaces: () => [...namespaces.values()],
    reload: (manifests) => [...reloadData(manifests.data), ...reloadNamespaces(manifests)],
  };
}

/** What a watch may tell of a Secret or ConfigMap. */
export function withoutContent({ metadata }: Pick<DataResource, "metadata">): Resource {
  return { metadata, spec: undefined };
}

function namespaceOf(name: string, labels: Readonly<Record<string, string>>, version: number): Resource {
  const metadata = { namespace: "", name, uid: name, generation: 1, resourceVersion: String(version), labels };
  return { metadata, spec: undefined };
}
