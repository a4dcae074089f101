/** What a script of a hand-over is made of. */
import type { MadeEndpoint } from "./endpoints.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import type { Manifest } from "./translation.ts";

export interface HandedOver {
  readonly object: PeerRequest | PeerDisposable;
  readonly manifest: Manifest;
}

/** `text`: the manifests as YAML documents. */
export interface HandoverParts {
  readonly handed: readonly HandedOver[];
  readonly endpoints: readonly MadeEndpoint[];
  /** Secrets, where they are read. */
  readonly copies: readonly object[];
  /** A manifest's YAML. */
  readonly textOf: (manifest: object) => string;
}
