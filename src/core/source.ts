/** Where a value comes from, as a plan says it. Invariant: it names a secret, and never holds one. */

/** Where a value comes from. `field` is where that was written. */
export type Source = { readonly field: string } & (
  | { readonly type: "literal"; readonly value: unknown }
  | {
      readonly type: "secret" | "configMap";
      readonly name: string;
      readonly key: string;
      /** Only an admin's endpoint has one. Absent: the namespace of the resource that is reconciled. */
      readonly namespace?: string;
    }
);
