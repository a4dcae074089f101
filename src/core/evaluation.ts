/** What expressions see, and what is asked of them. Invariant: an input is a source here, never a value. */
import type { Response } from "./outcome.ts";
import type { BodyTemplate, ByteSource, Located } from "./request-template.ts";
import type { Metadata, Resource } from "./resource.ts";
import type { Redacted } from "./redacted.ts";
import type { Source } from "./source.ts";

/** What expressions see, apart from `.response`. */
export interface Scope {
  readonly inputs: Readonly<Record<string, Source>>;
  readonly metadata: Pick<Metadata, "name" | "namespace" | "uid" | "labels" | "annotations">;
  /** RFC 3339. The same for every try of an attempt. */
  readonly now: string;
  /** What an HTTPResource declares for its expressions: literal JSON. */
  readonly parameters?: unknown;
  /** By what the remote object is known to its server; null while it is not known. */
  readonly externalID?: string | null;
  /** The remote object as an answer shows it, a JSON value; absent: the body of the answer is. */
  readonly object?: unknown;
  /** What update sends, a JSON value. */
  readonly body?: unknown;
  readonly item?: ScopeItem;
  /** The id of the attempt, or of the item, that it is sent for; null: it only asks. Absent: it is not known yet. */
  readonly attemptID?: string | null;
  /** What it is sent for, literal JSON; null where that is nothing. */
  readonly trigger?: unknown;
}

/** One of a list, for which the request is sent. */
export interface ScopeItem {
  /** JSON text. */
  readonly json: Redacted<string>;
  readonly index: number;
  /** Whether an expression made it, which may have seen secrets. */
  readonly derived: boolean;
  /** By what it is known, wherever it stands in the list; absent: by its place. */
  readonly identity?: string;
}

/** jq over one document; each expression is evaluated alone. */
export type Evaluation = ScopeEvaluation | ListEvaluation | InputsEvaluation | ObjectEvaluation;

/** Over what a request's own expressions see, and perhaps a response. */
export interface ScopeEvaluation {
  readonly scope: Scope;
  readonly response?: Response;
  readonly expressions: readonly Located[];
  /** A body that is rendered, and held against the response's. */
  readonly compare?: BodyTemplate;
  /** Whether each place that differs is told with a digest of what is wanted there. */
  readonly digests?: boolean;
  /** Places of it that are not compared. */
  readonly ignore?: readonly string[];
  /** Places at which both sides are put through jq before they are. */
  readonly normalise?: readonly { readonly path: string; readonly as: Located }[];
  /** What of the rendered body is held against it: jq that sees that as `.body`. */
  readonly compared?: Located;
  /** Facts that a status is to show; those of `withheld` are for nobody to read. */
  readonly published?: { readonly facts: readonly Located[]; readonly withheld: readonly Located[] };
  /** Evaluated on the rendered body, as if that was the answer. */
  readonly foretold?: Located;
}

/** Bytes of a fact at most, as JSON. */
export const longestFact = 1024;

/** One expression that yields a list of at most `maxForEachItems` items. */
export interface ListEvaluation {
  readonly scope: Scope;
  readonly list: Located;
}

/**
 * No expression: a digest of the inputs' values, keyed with the object's UID so that no two objects' can be compared. `bytes`:
 * keyed with what only Holdfast knows, too, and over these as well; `key:digest`, or null where there is no such key.
 */
export interface InputsEvaluation {
  readonly inputsOf: Scope;
  readonly bytes?: readonly ByteSource[];
}

/** Over another object: expressions see its `.metadata`, `.spec` and `.status`. */
export interface ObjectEvaluation {
  readonly object: Resource;
  readonly expressions: readonly Located[];
}
