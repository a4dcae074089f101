/** What is known of the rows of held objects is what is on the disk, also where that was full for a while. */
import { expect, test } from "@jest/globals";
import { array, assert, constantFrom, property, record, subarray } from "fast-check";
import { secretType, type Reference, type Resource } from "../../src/core/resource.ts";
import { createHeldObjects } from "../../src/standalone/held-objects.ts";
import { openStateDatabase } from "../../src/standalone/state-database.ts";

const names = ["a", "b", "c"];
const named = (name: string, finalizers: readonly string[]): Resource => ({
  metadata: { namespace: "n", name, uid: name, generation: 1, resourceVersion: "1", finalizers },
  spec: {},
});

test("what a full disk took is written when it has room again, whether the row failed or the transaction", () => {
  const step = record({
    disk: constantFrom("free", "full at a row", "full at the end"),
    notes: array(record({ name: constantFrom(...names), finalizers: subarray(["release", "other"]) }), { maxLength: 4 }),
  });
  assert(
    property(array(step, { maxLength: 8 }), (steps) => {
      using database = openStateDatabase();
      let disk: (typeof steps)[number]["disk"] = "free";
      const held = createHeldObjects({
        database: {
          ...database,
          saveHeld(...row) {
            if (disk === "full at a row") throw new Error("the disk is full");
            database.saveHeld(...row);
          },
          transaction: (run) =>
            database.transaction(() => {
              const result = run();
              if (disk === "full at the end") throw new Error("the disk is full");
              return result;
            }),
        },
        neededAtEnd: () => [],
        find: () => undefined,
      });
      const last = new Map<string, readonly string[]>();
      for (const { notes, ...next } of steps) {
        disk = next.disk;
        for (const { name, finalizers } of notes) last.set(name, finalizers);
        try {
          held.transaction(() => {
            for (const { name, finalizers } of notes) held.note("things", named(name, finalizers));
          });
        } catch (error) {
          expect(error).toEqual(new Error("the disk is full"));
        }
      }
      disk = "free";
      held.transaction(() => {
        for (const [name, finalizers] of last) held.note("things", named(name, finalizers));
      });
      const rows = database
        .heldRows()
        .map(({ name, content }) => [name, (JSON.parse(content) as Resource["metadata"]).finalizers]);
      const kept = [...last].filter(([, finalizers]) => finalizers.length > 0);
      expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(kept));
    }),
  );
});

test("what the ends of objects need is there while one of those that need it is being deleted, as far as that is on the disk", () => {
  using database = openStateDatabase();
  const secret = (name: string): Reference => ({ type: secretType, key: { namespace: "n", name } });
  let isDeclared = true;
  const held = createHeldObjects({
    database,
    neededAtEnd: (_resource, { metadata: { name } }) => [secret("shared"), secret(name)],
    find: (_kind, key) =>
      isDeclared ? { metadata: { ...named(key.name, []).metadata }, data: { a: Buffer.from(key.name) } } : undefined,
  });
  const note = (name: string, marks: object = {}): void => {
    const { metadata, spec } = named(name, ["release"]);
    held.note("things", { metadata: { ...metadata, ...marks }, spec });
  };
  const there = (): readonly string[] =>
    ["shared", ...names].filter((name) => held.read("Secret", { namespace: "n", name }) !== undefined);
  held.transaction(() => names.forEach((name) => note(name)));
  isDeclared = false;
  expect(there()).toEqual([]);
  const deletionTimestamp = "2026-01-02T03:04:05Z";
  held.transaction(() => ["a", "b"].forEach((name) => note(name, { deletionTimestamp })));
  expect(there()).toEqual(["shared", "a", "b"]);
  expect(held.read("Secret", { namespace: "n", name: "a" })?.data).toEqual({ a: Buffer.from("a") });
  const failing = (): void =>
    held.transaction(() => {
      note("a", { finalizers: [] });
      note("c", { deletionTimestamp });
      throw new Error("the disk is full");
    });
  expect(failing).toThrow("the disk is full");
  expect(there()).toEqual(["shared", "a", "b"]);
  held.transaction(() => note("a", { finalizers: [] }));
  expect(there()).toEqual(["shared", "b"]);
  held.transaction(() => note("b")); // declared again
  expect(there()).toEqual([]);
});
