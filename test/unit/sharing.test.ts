import { describe, expect, test } from "@jest/globals";
import { array, assert, jsonValue, property } from "fast-check";
import { createSharing } from "../../src/core/tools/sharing.ts";
import { parseJSON } from "../../src/core/tools/json.ts";
import { anyCharacter } from "../support/fuzz.ts";
import { heldBytes } from "../support/held-memory.ts";

const spec = (name: string): string =>
  `{"parameters":{"name":"${name}"},"observe":{"url":"https://users.example.com/\${ .externalID }"},"update":{"body":{"json":{"roles":["reader","writer"],"id":12345678901234567890}}}}`;

describe("sharing", () => {
  test("gives equal parts of different objects as one, and leaves what differs", () => {
    const share = createSharing();
    const [one, other] = ["user-one-of-many", "another-of-them"].map(
      (name) => share(parseJSON(spec(name))) as Readonly<Record<string, unknown>>,
    );
    expect(other?.["observe"]).toBe(one?.["observe"]);
    expect(other?.["update"]).toBe(one?.["update"]);
    expect(other?.["parameters"]).not.toBe(one?.["parameters"]);
    expect(JSON.stringify(other)).toBe(spec("another-of-them"));
  });

  test("holds a text that many have once", () => {
    const share = createSharing();
    const beforeBytes = heldBytes();
    const all = Array.from({ length: 20_000 }, (_, n) => share(JSON.parse(`{"own":"number ${n}","same":"${"x".repeat(390)}"}`)));
    expect(heldBytes() - beforeBytes).toBeLessThan(5_000_000); // 8 MB in texts alone otherwise
    expect(all).toHaveLength(20_000);
  });

  test("gives what equals it, whatever it is, and however often it came before", () => {
    const share = createSharing();
    const parts = jsonValue({ maxDepth: 6, depthSize: "medium", stringUnit: anyCharacter });
    assert(
      property(array(parts, { maxLength: 6 }), (values) => {
        for (const value of values) {
          const text = JSON.stringify(value);
          expect(JSON.stringify(share(JSON.parse(text)))).toBe(text);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("takes a text for a text that reads as another part does", () => {
    const share = createSharing();
    const part = { at: "a place that is known" };
    expect(share([part, JSON.stringify(part), structuredClone(part)])).toEqual([part, JSON.stringify(part), part]);
  });

  test("keeps a key named __proto__ for a key, and numbers as they are", () => {
    const share = createSharing();
    const text =
      '{"__proto__":{"a":"a text that is shared"},"c":{"__proto__":"a text that is shared"},"b":[12345678901234567890,1.5,1e+300,null,true]}';
    for (let n = 0; n < 2; n += 1) expect(JSON.stringify(share(parseJSON(text)))).toBe(text);
  });

  test("remembers what comes again and again, however many others come between", () => {
    const share = createSharing();
    const often = (): object => share(JSON.parse('{"one":"part of a whole fleet","list":[1,2,3]}') as object);
    const first = often();
    for (let n = 0; n < 50_000; n += 1) {
      share([`a text of its own, number ${n}`]);
      if (n % 1_000 === 0) expect(often()).toBe(first);
    }
  });

  test("looks at so much of one object and no more, and is not ended by depth", () => {
    const share = createSharing();
    let deep: unknown = "the innermost text of all";
    for (let n = 0; n < 100_000; n += 1) deep = [deep];
    expect(share(deep)).toBe(deep);
    const known = share({ at: "a place that is known" });
    const beyond = [...Array.from({ length: 300_000 }, () => 0), { at: "a place that is known" }];
    expect(share([{ at: "a place that is known" }])[0]).toBe(known);
    expect(share(beyond).at(-1)).not.toBe(known);
    const many = Array.from({ length: 10_000 }, (_, n) => ({ at: `place number ${n}` }));
    expect(share(many)).toEqual(Array.from({ length: 10_000 }, (_, n) => ({ at: `place number ${n}` })));
  });
});
