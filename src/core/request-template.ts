/** A request as it is declared. Invariant: nothing in it is expanded, so that it can be shown to anybody. */

/** A template, and where it was written, so that an error can name the field. */
export interface Located {
  readonly field: string;
  readonly text: string;
}

export interface LocatedPair extends Located {
  readonly name: string;
}

export type BodyTemplate =
  | { readonly type: "json"; readonly field: string; readonly value: unknown }
  | ({ readonly type: "text" } & Located)
  /** Of the value only what the response before does not have is sent, as a JSON Merge Patch (RFC 7396). */
  | {
      readonly type: "mergePatch";
      readonly field: string;
      readonly value: unknown;
      /** Places that were delivered before. */
      readonly former?: readonly string[];
      /** Places that are as declared in another form, which is left as it is. */
      readonly same?: readonly string[];
    }
  | { readonly type: "form"; readonly fields: readonly LocatedPair[] }
  | { readonly type: "multipart"; readonly parts: readonly PartTemplate[] }
  | { readonly type: "bytes"; readonly source: ByteSource };

/** One part of a multipart body. */
export interface PartTemplate {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
  readonly content: ({ readonly type: "text" } & Located) | { readonly type: "bytes"; readonly source: ByteSource };
}

/** Where bytes come from that are sent as they are. `field` is where that was written, and no other source has the same. */
export type ByteSource = { readonly field: string } & (
  | { readonly type: "base64"; readonly text: string }
  | { readonly type: "secret" | "configMap"; readonly name: string; readonly key: string; readonly namespace?: string }
);

export interface RequestTemplate {
  readonly method: string;
  /** `absolute`: the whole URL. `joined`: a literal base whose path prefix the expanded path stays below. */
  readonly url:
    | ({ readonly type: "absolute" } & Located)
    /** `confined`: nothing that a server could read as another path, and no redirect that leaves the base. */
    | { readonly type: "joined"; readonly base: string; readonly path?: Located; readonly confined?: true };
  readonly query: readonly LocatedPair[];
  readonly headers: readonly LocatedPair[];
  /** Header fields that are no templates: an endpoint's, an idempotency key. */
  readonly literalHeaders: readonly { readonly name: string; readonly value: string }[];
  readonly body?: BodyTemplate;
  /** A URI reference that a server gave, no template: it replaces path and query. Another origin is refused. */
  readonly page?: Located;
  /** Where to go instead: a template of a URI reference, under the rules of a redirect; with a base, below that. */
  readonly location?: Located;
}
