import { expect, test } from "@jest/globals";
import { array, assert, nat, property, tuple } from "fast-check";
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
