/** Room for what servers issue: a namespace fills its own, and lets go of what it kept first. */
import { expect, test } from "@jest/globals";
import { createIssuedRoom } from "../../src/http/credentials/issued-room.ts";

function world() {
  const room = createIssuedRoom(10_000);
  const gone: string[] = [];
  const keep = (namespace: string, key: string, characters: number): void =>
    room.keep(namespace, key, { characters, letGo: () => gone.push(key) });
  return { room, gone, keep };
}

test("what is too much pushes out what was kept first, and nothing of another namespace", () => {
  const { gone, keep } = world();
  keep("victim", "theirs", 9_000);
  for (const key of ["a", "b", "c", "d"]) keep("attacker", key, 4_000);
  expect(gone).toEqual(["a", "b"]);
});

test("what is kept again, or was let go, counts once or not at all", () => {
  const { room, gone, keep } = world();
  for (let time = 0; time < 10; time += 1) keep("a", "renewed", 4_000);
  keep("a", "other", 4_000);
  room.release("a", "other");
  keep("a", "third", 4_000);
  expect(gone).toEqual([]);
});

test("what alone is longer than all may be is kept, alone: it would be asked for again and again", () => {
  const { gone, keep } = world();
  keep("a", "first", 100);
  keep("a", "long", 50_000);
  expect(gone).toEqual(["first"]);
});

test("many short ones cost something, too", () => {
  const { gone, keep } = world();
  for (let index = 0; index < 100; index += 1) keep("a", `n${index}`, 1);
  expect(gone.length).toBeGreaterThan(50);
});
