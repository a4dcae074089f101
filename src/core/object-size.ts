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
const findTooManyIn = oncePer((spec: object): Refusal | undefined => {
  const left: unknown[] = [spec];
  let count = 0;
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one !== "object" || one === null) continue;
    for (const key in one) {
      const value: unknown = (one as Readonly<Record<string, unknown>>)[key];
      count += 1;
      if (count > maxValues) return tooMany;
      if (value !== undefined) left.push(value);
    }
  }
  return undefined;
});
const tooMany: Refusal = {
  type: "refusal",
  reason: "InvalidRequest",
  message: `spec: holds more than ${maxValues} values, all lists and objects counted; a large body can be text, or in a ConfigMap`,
  heals: false,
};
