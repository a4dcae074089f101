/** What a deletion needs of Secrets and ConfigMaps, kept as it was last read. */
import { describe, expect, test } from "@jest/globals";
import type { Kind } from "../../src/core/plan.ts";
import { configMapType, secretType, type ReadResult, type Reference, type Resource } from "../../src/core/resource.ts";
import { createKeptData, type KeptData } from "../../src/engine/kept-data.ts";

const secret = (name: string, namespace = "n"): Reference => ({ type: secretType, key: { namespace, name } });
const absent: ReadResult = { type: "absent" };
function found(name: string, value: string): ReadResult {
  const metadata = { namespace: "n", name, uid: name, generation: 1, resourceVersion: "1" };
  return { type: "found", resource: { metadata, data: { value: Buffer.from(value) } } };
}
function resource(uid: string, isDeleting: boolean): Resource {
  const at = { ...(isDeleting && { deletionTimestamp: "2026-01-01T00:00:00Z" }) };
  return { metadata: { namespace: "n", name: "thing", uid, generation: 1, resourceVersion: "1", ...at }, spec: {} };
}
const needs = (...needed: Reference[]): Pick<Kind, "neededAtEnd"> => ({ neededAtEnd: () => needed });
const id = "HTTPResource/n/thing";
const own = (kept: KeptData, uid: string, isDeleting = false, kind = needs(secret("a"))) =>
  kept.of(id, kind, { resource: resource(uid, isDeleting), references: [] });

describe("what was read for an object", () => {
  test("is given once more, as it was read last, while that object is being deleted and there is none any more", () => {
    const kept = createKeptData();
    expect(own(kept, "1").take(secret("a"), found("a", "old"))).toEqual(found("a", "old"));
    own(kept, "1").take(secret("a"), found("a", "new"));
    expect(own(kept, "1").take(secret("a"), absent)).toEqual(absent);
    expect(own(kept, "1", true).take(secret("a"), absent)).toEqual(found("a", "new"));
    expect(own(kept, "1", true).take(secret("a"), found("a", "newest"))).toEqual(found("a", "newest"));
  });

  test("is another's for nobody: not another object's, not one's of the same name, not of who may not read it", () => {
    const kept = createKeptData();
    own(kept, "1").take(secret("a"), found("a", "x"));
    const other = kept.of("HTTPResource/n/other", needs(secret("a")), { resource: resource("2", true), references: [] });
    expect(other.take(secret("a"), absent)).toEqual(absent);
    expect(own(kept, "1", true).take(secret("a"), { type: "forbidden" })).toEqual({ type: "forbidden" });
    expect(own(kept, "again", true).take(secret("a"), absent)).toEqual(absent);
    expect(own(kept, "1", true).take(secret("a"), absent)).toEqual(absent);
  });

  test("is forgotten with the last object that read it, and not with the first", () => {
    const kept = createKeptData(1);
    const second = { resource: resource("2", true), references: [] };
    own(kept, "1").take(secret("a"), found("a", "x"));
    kept.of("HTTPResource/n/other", needs(secret("a")), second).take(secret("a"), found("a", "x"));
    kept.forget(id);
    expect(kept.of("HTTPResource/n/other", needs(secret("a")), second).take(secret("a"), absent)).toEqual(found("a", "x"));
    kept.forget("HTTPResource/n/other");
    own(kept, "1", false, needs(secret("b"))).take(secret("b"), found("b", "y"));
    expect(own(kept, "1", true, needs(secret("b"))).take(secret("b"), absent)).toEqual(found("b", "y"));
  });

  test("is what its end needs and nothing else, within a limit, and what was never read is known", () => {
    const kept = createKeptData(4);
    const kind = needs(secret("a"), secret("long"), { type: configMapType, key: { namespace: "n", name: "a" } });
    own(kept, "1", false, kind).take(secret("b"), found("b", "x"));
    own(kept, "1", false, kind).take(secret("long"), found("long", "12345"));
    own(kept, "1", false, kind).take(secret("a"), found("a", "1234"));
    expect(own(kept, "1", true, kind).take(secret("b"), absent)).toEqual(absent);
    expect(own(kept, "1", true, kind).take(secret("long"), absent)).toEqual(absent);
    expect(own(kept, "1", true, kind).take(secret("a"), absent)).toEqual(found("a", "1234"));
    expect(own(kept, "1", false, kind).missing()).toEqual([
      secret("long"),
      { type: configMapType, key: { namespace: "n", name: "a" } },
    ]);
  });
});
