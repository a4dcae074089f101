/** Reads an object of the peer: which kind it is, and whether it is what it should be. */
import { isFields } from "../api/json-type.ts";
import type { Path } from "../api/problem.ts";
import { validator, type Validate } from "../api/validate.ts";
import {
  configObject,
  disposableObject,
  olderDisposableObject,
  olderRequestObject,
  requestObject,
  type DisposableParameters,
  type ManagedSpec,
  type PeerConfigSpec,
  type PeerMetadata,
  type PeerStatus,
  type RequestParameters,
} from "./peer-schema.ts";

interface Head {
  /** `http.m.crossplane.io/v1alpha2`. */
  readonly apiVersion: string;
  /** As it is written: `AsyncRequest` of the fork. */
  readonly kind: string;
  readonly metadata: PeerMetadata;
  /** Whether it belongs to the cluster, and has no namespace. */
  readonly clusterScoped: boolean;
  /** Fields that its version does not have, which the API server took away. */
  readonly unknown: readonly string[];
}
interface Managed<P> extends Head {
  readonly spec: ManagedSpec & { readonly forProvider: P };
  readonly status?: PeerStatus;
  /** Whether it is the fork's, which has long operations. */
  readonly async: boolean;
}
export interface PeerRequest extends Managed<RequestParameters> {
  readonly type: "request";
}
export interface PeerDisposable extends Managed<DisposableParameters> {
  readonly type: "disposable";
}
export interface PeerConfig extends Head {
  readonly type: "config";
  readonly spec: PeerConfigSpec;
}
export type PeerObject = PeerRequest | PeerDisposable | PeerConfig;

type ReadPeer =
  | { readonly type: "object"; readonly object: PeerObject }
  | { readonly type: "invalid"; readonly problems: readonly { readonly at: Path; readonly message: string }[] }
  /** It is nobody's object of these kinds. */
  | { readonly type: "other" };

const group = /^http(\.async)?(\.m)?\.crossplane\.io\/(v1alpha1|v1alpha2)$/;

const validators = {
  Request: { older: validator(olderRequestObject), newer: validator(requestObject) },
  DisposableRequest: { older: validator(olderDisposableObject), newer: validator(disposableObject) },
};
const validateConfig = validator(configObject);

/** `at`: where the object stands, for the problems. Nothing of what it holds is quoted. */
export function readPeerObject(value: unknown, at: Path = []): ReadPeer {
  if (!isFields(value)) return { type: "other" };
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return { type: "other" };
  const [, async, namespaced] = group.exec(apiVersion) ?? [];
  if (!group.test(apiVersion)) return { type: "other" };
  const age = apiVersion === "http.crossplane.io/v1alpha1" ? "older" : "newer";
  const plain = kind.replace(/^Async/, "");
  const head = { apiVersion, kind, clusterScoped: namespaced === undefined || kind === "ClusterProviderConfig" };
  switch (plain) {
    case "Request":
      return check(value, validators[plain][age], at, { ...head, type: "request", async: async !== undefined });
    case "DisposableRequest":
      return check(value, validators[plain][age], at, { ...head, type: "disposable", async: async !== undefined });
    case "ProviderConfig":
    case "ClusterProviderConfig":
      return check(value, validateConfig, at, { ...head, type: "config" });
    default:
      return { type: "other" };
  }
}

const ofServer = new Set(["status", "metadata"]);

function check(value: unknown, validate: Validate, at: Path, head: Readonly<Record<string, unknown>>): ReadPeer {
  const checked = validate(value, at);
  const isUnknown = ({ message }: { readonly message: string }): boolean => message.startsWith("unknown field");
  const wrong = checked.problems.filter((problem) => !isUnknown(problem));
  const problems = wrong.map((problem) => ({
    at: problem.at,
    message: `${problem.path}: ${problem.message}`,
  }));
  if (problems.length > 0) return { type: "invalid", problems };
  const unknown = checked.problems
    .filter((problem) => isUnknown(problem) && !ofServer.has(String(problem.at[at.length])))
    .map(({ path }) => path);
  // What the validator has accepted has the shape that the schema describes.
  return { type: "object", object: { ...(checked.value as object), ...head, unknown } as unknown as PeerObject };
}
