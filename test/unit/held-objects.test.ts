/** What is known of the rows of held objects is what is on the disk, also where that was full for a while. */
import { expect, test } from "@jest/globals";
import { array, assert, constantFrom, property, record, subarray } from "fast-check";
import type { Resource } from "../../src/core/resource.ts";
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
