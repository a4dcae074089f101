/** What one object of the peer becomes, and what is shared by all parts of a translation. */
import type { apiVersion } from "../api/kind-definition.ts";
import type { Evaluator } from "../core/ports.ts";
import type { Connection } from "./connection.ts";
import type { Finding, Findings } from "./findings.ts";
import type { PeerConfig, PeerDisposable, PeerRequest } from "./peer-object.ts";
import type { InputNames, Reach, SecretKey } from "./placeholders.ts";
import type { Programs } from "./programs.ts";

export interface Manifest {
  readonly apiVersion: typeof apiVersion;
  readonly kind: "HTTPResource" | "HTTPRequest";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Valid; fields that have a default may be missing. */
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface Translation {
  /** Undefined: nothing of it could be translated. Where a finding is HARD, it is not the whole object. */
  readonly manifest: Manifest | undefined;
  readonly findings: readonly Finding[];
  /** Keys of Secrets that are read, by inputs, TLS or credentials; those of other namespaces have to be copied. */
  readonly secrets: readonly SecretKey[];
  /** What it needs of the endpoint that `spec.endpointRef` names. */
  readonly endpoint?: EndpointNeed;
}

/** An endpoint in place of a config, for one server. */
export interface EndpointNeed {
  readonly config: PeerConfig;
  /** `https://api.example:8443`. */
  readonly origin: string;
  /** Of the object that needs it. */
  readonly namespace: string;
  /** Names of the header fields that its requests set, in small letters. */
  readonly headers: readonly string[];
  readonly credential?: SecretKey;
  readonly tls?: object;
  /** All that it reads. */
  readonly secrets: readonly SecretKey[];
}

/** What is a matter of taste, or of risk: each false where not given. */
export interface Choices {
  /** Objects that have no OBSERVE are translated, too: there nothing was ever sent for them. */
  readonly force: boolean;
  /** An object that is only observed is Ready whatever a check of its answer says. */
  readonly readyOnDrift: boolean;
  /** Every method is redirected up to ten times. */
  readonly keepRedirects: boolean;
  /** What may have arrived is sent again. */
  readonly atLeastOnce: boolean;
  /** Bodies are written as values, where what is sent is the same but for white space and the order of fields. */
  readonly idiomatic: boolean;
}

export interface TranslateOptions {
  readonly evaluator: Evaluator;
  readonly signal: AbortSignal;
  /** For objects of the cluster that refer to Secrets of no namespace, or of several. */
  readonly namespace: string;
  /** The ProviderConfig or ClusterProviderConfig that the object names. */
  readonly config?: PeerConfig;
  /** How often an object is observed: the peer's `--poll`. */
  readonly interval?: string;
  /** Where all Secrets can be reached, whichever namespace they are in: where the manifest is to be, and what each is called there. */
  readonly reach?: Reach;
  /**
   * `exact`: whatever can differ from what was there is written so that it does not, however it looks: for manifests that nobody
   * reads. `readable`: an id is one percent-encoded segment of a URL, and redirects are followed as they are here.
   */
  readonly form: "readable" | "exact";
  readonly choices?: Partial<Choices>;
  /** Whether a config may become an endpoint. */
  readonly endpoints?: boolean;
}

/** What the parts of one translation share. */
export interface Translating extends Pick<TranslateOptions, "form"> {
  readonly reach: Reach | undefined;
  readonly connection: Connection;
  readonly choices: Partial<Choices>;
  readonly object: PeerRequest | PeerDisposable;
  /** The namespace of the manifest. */
  readonly namespace: string;
  readonly interval: string;
  /** Whether a URL in which something is inserted is one expression as a whole, so that nothing of it is encoded. */
  readonly isWholeURL: boolean;
  readonly programs: Programs;
  readonly findings: Findings;
  readonly inputs: InputNames;
}
