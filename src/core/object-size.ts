/** Whether an object has room for the status that follows a request. */
import type { Refusal } from "./outcome.ts";
import type { Resource } from "./resource.ts";
import { oncePer } from "./tools/once-per.ts";

/** What etcd takes in one request (--max-request-bytes). https://etcd.io/docs/v3.6/dev-guide/limit/ */
const etcdLimitBytes = 1.5 * 1024 * 1024;
/** For a status with a body (16 KiB, which JSON may escape) and a history, and for managedFields, which are not known here. */
const roomBytes = 160 * 1024;

/** Undefined: it has room. Else why nothing is sent for it: the outcome could not be recorded. */
export const findTooLarge = oncePer(({ metadata, spec, status }: Resource): Refusal | undefined => {
  const sizeBytes = Buffer.byteLength(JSON.stringify([metadata, spec, status]));
  if (sizeBytes <= etcdLimitBytes - roomBytes) return undefined;
  return {
    type: "refusal",
    reason: "ObjectTooLarge",
    message: `the object is ${sizeBytes} bytes, which leaves no room for what comes of the request: keep ${etcdLimitBytes - roomBytes} at most, with what kubectl apply repeats in an annotation; a large body can be in a ConfigMap`,
    heals: true,
  };
});

/** Of all that is written as free JSON: each is looked at again and again, for expressions, digests and differences. */
const maxValues = 10_000;

/** Undefined: there are few enough of them. No more are looked at than may be there. */
export function findTooMany({ spec }: Pick<Resource, "spec">): Refusal | undefined {
  return typeof spec === "object" && spec !== null ? findTooManyIn(spec) : undefined;
}
const findTooManyIn = oncePer((spec: object): Refusal | undefined =>
  isWithin(spec, { values: maxValues, characters: Infinity }) ? undefined : tooMany,
);
const tooMany: Refusal = {
  type: "refusal",
  reason: "InvalidRequest",
  message: `spec: holds more than ${maxValues} values, all lists and objects counted; a large body can be text, or in a ConfigMap`,
  heals: false,
};

/** Of an endpoint's credential, which is looked at for each of its requests. */
const mostOfAuth = { values: 1_000, characters: 65_536 };

/** Why an endpoint's `spec.auth` cannot be used; undefined: it is no longer than it may be. */
export function findTooLongAuth(auth: object): Refusal | undefined {
  return isWithin(auth, mostOfAuth) ? undefined : tooLongAuth;
}
const tooLongAuth: Refusal = {
  type: "refusal",
  reason: "InvalidRequest",
  message: `spec.auth: holds more than ${mostOfAuth.characters} characters, names of fields counted, or more than ${mostOfAuth.values} values; a long body of a login can be in a Secret or ConfigMap`,
  heals: false,
};

interface Most {
  readonly values: number;
  /** Of texts and keys. */
  readonly characters: number;
}
/** Whether a JSON value holds no more than that. No more is looked at than may be there. */
export function isWithin(all: unknown, most: Most): boolean {
  const left: unknown[] = [all];
  let [values, characters] = [0, 0];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one === "string") characters += one.length;
    if (typeof one === "object" && one !== null)
      for (const key in one) {
        const value: unknown = (one as Readonly<Record<string, unknown>>)[key];
        values += 1;
        characters += Array.isArray(one) ? 0 : key.length;
        if (values > most.values) return false;
        if (value !== undefined) left.push(value);
      }
    if (characters > most.characters) return false;
  }
  return true;
}
