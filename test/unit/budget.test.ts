import { describe, expect, test } from "@jest/globals";
import {
  BudgetExhaustedError,
  createBudget,
  createBudgets,
  ResponseCancelledError,
  type Slot,
} from "../../src/http/limits/budget.ts";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise(setImmediate);
/** Resolves with the slot, or says that it still waits. */
async function taken(slot: Slot | Promise<Slot>): Promise<Slot | "waits"> {
  return Promise.race([slot, turn().then(() => "waits" as const)]);
}
function got(slot: Slot | "waits"): Slot {
  if (slot === "waits") throw new Error("no slot");
  return slot;
}

describe("slots", () => {
  test("are handed out up to the limit, then first come, first served", async () => {
    const budget = createBudget({ maxInFlight: 2 });
    const [a, b] = [got(await taken(budget.take(never))), got(await taken(budget.take(never)))];
    const order: string[] = [];
    const c = Promise.resolve(budget.take(never)).then((slot) => (order.push("c"), slot));
    const d = Promise.resolve(budget.take(never)).then((slot) => (order.push("d"), slot));
    await turn();
    expect(order).toEqual([]);
    b.release();
    await turn();
    expect(order).toEqual(["c"]);
    a.release();
    a.release(); // the second time is nobody's
    await turn();
    expect(order).toEqual(["c", "d"]);
    expect(await taken(budget.take(never))).toBe("waits");
    for (const slot of [await c, await d]) slot.release();
  });

  test("are not given to who has gone", async () => {
    const budget = createBudget({ maxInFlight: 1 });
    const first = got(await taken(budget.take(never)));
    const gone = new AbortController();
    const waiting = Promise.resolve(budget.take(gone.signal));
    const next = Promise.resolve(budget.take(never));
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    first.release();
    expect(await taken(next)).not.toBe("waits");
    expect(() => budget.take(AbortSignal.abort(new Error("gone")))).toThrow("gone");
  });

  test("cannot be used after their release", async () => {
    const slot = await createBudget({ maxInFlight: 1 }).take(never);
    slot.release();
    expect(() => slot.spend()).toThrow("after its release");
  });
});

test("no more requests start than there may be in all, whoever waits", async () => {
  const budget = createBudget({ maxInFlight: 1, maxInAll: 3 });
  const slot = await budget.take(never);
  const waiting = Promise.resolve(budget.take(never));
  for (let index = 0; index < 3; index += 1) slot.spend();
  expect(() => slot.spend()).toThrow(BudgetExhaustedError);
  expect(() => budget.take(never)).toThrow(BudgetExhaustedError);
  slot.release();
  const last = await waiting;
  expect(() => last.spend()).toThrow(BudgetExhaustedError);
});

describe("when one waits and every slot is held by a response that nobody reads,", () => {
  async function held(count: number): Promise<{ slots: Slot[]; cancelled: string[]; budget: ReturnType<typeof createBudget> }> {
    const cancelled: string[] = [];
    const budget = createBudget({ maxInFlight: count, onCancel: () => cancelled.push("!") });
    const slots: Slot[] = [];
    for (let index = 0; index < count; index += 1) slots.push(await budget.take(never));
    return { slots, cancelled, budget };
  }
  const unread = (slot: Slot | undefined, name: string, cancelled: string[]): void =>
    slot?.unread((error) => {
      expect(error).toBeInstanceOf(ResponseCancelledError);
      cancelled.push(name);
      slot.release();
    });

  test("the least recently used is cancelled, one for each that waits", async () => {
    const { slots, cancelled, budget } = await held(3);
    unread(slots[1], "b", cancelled);
    unread(slots[0], "a", cancelled);
    unread(slots[2], "c", cancelled);
    expect(cancelled).toEqual([]);
    expect(await taken(budget.take(never))).not.toBe("waits");
    expect(cancelled).toEqual(["!", "b"]);
    expect(await taken(budget.take(never))).toBe("waits"); // the one that came has no response yet
  });

  test("and only then: one that is read, or has no response yet, holds it up", async () => {
    const { slots, cancelled, budget } = await held(2);
    unread(slots[0], "a", cancelled);
    const waiting = Promise.resolve(budget.take(never));
    expect(await taken(waiting)).toBe("waits");
    unread(slots[1], "b", cancelled);
    expect(cancelled).toEqual(["!", "a"]);
    expect(await taken(waiting)).not.toBe("waits");

    const other = await held(1);
    unread(other.slots[0], "a", other.cancelled);
    other.slots[0]?.reading();
    expect(await taken(other.budget.take(never))).toBe("waits");
    expect(other.cancelled).toEqual([]);
  });
});

test("budgets by name are there as long as they are used", async () => {
  const budgets = createBudgets({ maxInFlight: 1 });
  const slot = await budgets.take("a", never);
  expect(await taken(budgets.take("b", never))).not.toBe("waits");
  const waiting = Promise.resolve(budgets.take("a", never));
  expect(budgets.size).toBe(2);
  slot.release();
  (await waiting).release();
  expect(budgets.size).toBe(1);
  expect(() => budgets.take("c", AbortSignal.abort(new Error("gone")))).toThrow("gone");
  expect(budgets.size).toBe(1);
});
