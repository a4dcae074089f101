import { describe, expect, test } from "@jest/globals";
import { array, assert, asyncProperty, nat, property, tuple } from "fast-check";
import { createHolding, createMemoryShares, smallBytes } from "../../src/http/limits/memory-shares.ts";

const never = new AbortController().signal;
const waits = { lend: <T>(awaited: Promise<T>): Promise<T> => awaited };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no namespace has the last share while it has another, and those that wait take turns", async () => {
  const shares = createMemoryShares(3);
  const order: string[] = [];
  const take = async (namespace: string): Promise<Disposable> => {
    const share = await shares.take(namespace, never);
    order.push(namespace);
    return share;
  };
  const [first, second] = await Promise.all([take("a"), take("a")]);
  const others = [take("a"), take("a"), take("b")];
  await settled();
  expect([order, shares.taken, shares.waiting]).toEqual([["a", "a", "b"], 3, 2]);
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  await settled();
  expect([order.length, shares.waiting]).toEqual([3, 2]); // it would be the last one of `a`, who has another
  second?.[Symbol.dispose]();
  await settled();
  expect(order).toEqual(["a", "a", "b", "a"]);
  (await others[2])?.[Symbol.dispose]();
  await settled();
  expect([order.length, shares.taken, shares.waiting]).toEqual([5, 2, 0]);
});

test("whatever is taken and given back, no more are out than there are, a namespace without one gets the last, and nobody is forgotten", () => {
  const moves = array(tuple(nat(2), nat(3)), { maxLength: 60 });
  assert(
    property(moves, (all) => {
      const shares = createMemoryShares(4);
      const out: { readonly namespace: string; readonly share: Disposable }[] = [];
      for (const [what, who] of all) {
        const namespace = `${who}`;
        if (what === 0 && out.length > 0) out.splice(who % out.length, 1)[0]?.share[Symbol.dispose]();
        else {
          const share = shares.take(namespace, never);
          if (!("then" in share)) out.push({ namespace, share });
          else expect(shares.taken === 4 || out.some((one) => one.namespace === namespace)).toBe(true);
        }
        expect(shares.taken).toBeLessThanOrEqual(4);
        if (shares.waiting > 0) break; // from here on shares go to promises
      }
    }),
  );
});

test("who gives up waiting is given none", async () => {
  const shares = createMemoryShares(2);
  await shares.take("a", never);
  const stop = new AbortController();
  const waiting = shares.take("a", stop.signal) as Promise<Disposable>;
  stop.abort(new Error("given up"));
  await expect(waiting).rejects.toThrow("given up");
  expect([shares.taken, shares.waiting]).toEqual([1, 0]);
});

test("a reconcile has one share, however much it holds, and gives it back once", async () => {
  const shares = createMemoryShares(2);
  const holding = createHolding(shares, "a", waits);
  await Promise.all([holding.much(never), holding.much(never), holding.body("x".repeat(smallBytes + 1), never)]);
  expect(shares.taken).toBe(1);
  const first = await holding.longAnswer(never);
  let isNext = false;
  const next = holding.longAnswer(never).then((turn) => {
    isNext = true;
    return turn;
  });
  await settled();
  expect(isNext).toBe(false); // one long answer at a time
  first.release();
  (await next).release();
  holding[Symbol.dispose]();
  expect(shares.taken).toBe(0);
});

test("one that ends while it waits does not keep what it gets", async () => {
  const shares = createMemoryShares(2);
  const other = await shares.take("a", never);
  const holding = createHolding(shares, "a", waits);
  const much = holding.much(never);
  holding[Symbol.dispose]();
  other[Symbol.dispose]();
  await much;
  expect(shares.taken).toBe(0);
});

test("bodies that wait to be sent count together, and one that many send counts once", async () => {
  const shares = createMemoryShares(2);
  const holding = createHolding(shares, "a", waits);
  await holding.body("small", never);
  expect(shares.taken).toBe(0);
  const shared = new Uint8Array(1_000_000);
  for (let n = 0; n < 40; n += 1) await holding.body(shared, never);
  expect(shares.taken).toBe(1);
  const more = await holding.body("x".repeat(3_000_000), never);
  await expect(holding.body("y".repeat(1_000_000), never)).rejects.toThrow("longer than 4194304 bytes together");
  more[Symbol.dispose]();
});

describe("who waits with much in hand", () => {
  const refused = "too many requests with long bodies or Secrets wait for memory";
  test("is one of as many as there are shares, of all namespaces, and the last place is for who has none", async () => {
    const shares = createMemoryShares(3);
    for (const namespace of ["a", "a", "b"]) await shares.take(namespace, never);
    const stop = new AbortController();
    const first = shares.take("a", stop.signal, true) as Promise<Disposable>;
    void shares.take("a", never, true);
    expect(() => shares.take("a", never, true)).toThrow(refused);
    void shares.take("c", never, true);
    for (const namespace of ["a", "b", "c", "d"]) expect(() => shares.take(namespace, never, true)).toThrow(refused);
    expect([shares.taken, shares.waiting]).toEqual([3, 3]);
    for (let n = 0; n < 10; n += 1) void shares.take("d", never); // nothing is kept for those
    expect(shares.waiting).toBe(13);
    stop.abort(new Error("given up"));
    await expect(first).rejects.toThrow("given up");
    void shares.take("d", never, true);
    expect(() => shares.take("e", never, true)).toThrow(refused);
    expect(shares.waiting).toBe(13);
  });

  test("leaves its place in the line with a share, and whoever was refused may ask again", async () => {
    const shares = createMemoryShares(2);
    const [first] = await Promise.all([shares.take("a", never), shares.take("b", never)]);
    void shares.take("b", never, true);
    void shares.take("c", never, true);
    const holding = createHolding(shares, "d", waits);
    await expect(holding.much(never)).rejects.toMatchObject({ refusal: { reason: "RateLimited", heals: true } });
    await expect(holding.body("x".repeat(smallBytes + 1), never)).rejects.toThrow(refused);
    expect(shares.waiting).toBe(2);
    first?.[Symbol.dispose](); // to `c`, for the last share is none for `b`, who has one
    await settled();
    expect(shares.waiting).toBe(1);
    void holding.much(never);
    expect(shares.waiting).toBe(2);
  });

  test("whoever asks and gives up, no more wait than there are shares, and one namespace alone never has all places", async () => {
    const moves = array(tuple(nat(3), nat(3)), { maxLength: 60 });
    await assert(
      asyncProperty(moves, async (all) => {
        const shares = createMemoryShares(4);
        for (const namespace of ["x", "x", "x", "y"]) await shares.take(namespace, never);
        const waiting: { readonly namespace: string; readonly stop: AbortController }[] = [];
        for (const [what, who] of all) {
          const [namespace, stop] = [`${who}`, new AbortController()];
          const own = waiting.filter((one) => one.namespace === namespace).length;
          try {
            if (what === 0) waiting.splice(who, 1)[0]?.stop.abort();
            else {
              const share = shares.take(namespace, stop.signal, true) as Promise<Disposable>;
              share.catch(() => {});
              waiting.push({ namespace, stop });
            }
          } catch {
            expect(waiting.length === 4 || (own > 0 && waiting.length === 3)).toBe(true);
          }
          await settled();
          expect(shares.waiting).toBe(waiting.length);
          expect(waiting.length).toBeLessThanOrEqual(4);
          if (waiting.length === 4) expect(new Set(waiting.map((one) => one.namespace)).size).toBeGreaterThan(1);
        }
      }),
    );
  });
});

test("what is read with nothing in hand waits, however many others do", async () => {
  const shares = createMemoryShares(2);
  for (const namespace of ["a", "b"]) await shares.take(namespace, never);
  const holdings = Array.from({ length: 8 }, () => createHolding(shares, "a", waits));
  for (const [index, holding] of holdings.entries())
    void (index % 2 === 0 ? holding.longAnswer(never) : holding.answered(300_000, never));
  await settled();
  expect(shares.waiting).toBe(8);
});
