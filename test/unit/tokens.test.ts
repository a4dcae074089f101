/** A shared token: what one namespace's refusals may do to it, over hours, by a clock of the test's own. */
import { expect, test } from "@jest/globals";
import { createTokens, type FetchToken } from "../../src/http/credentials/tokens.ts";

const never = new AbortController().signal;
const hour = 3_600_000;

/** A token server that gives t1, t2 and so on, unless it is down. */
function world({ lifetimeMs = 24 * hour } = {}) {
  let nowMs = 0;
  let asked = 0;
  let isDown = false;
  const tokens = createTokens(
    () => nowMs,
    () => 0,
  );
  const fetch: FetchToken = () => {
    asked += 1;
    return isDown ? Promise.reject(new Error("429")) : Promise.resolve({ value: `t${asked}`, lifetimeMs });
  };
  return {
    tokens,
    fetch,
    get asked() {
      return asked;
    },
    pass: (ms: number) => void (nowMs += ms),
    down: (is: boolean) => void (isDown = is),
    known: () => tokens.wait("key", fetch, never),
    refused: (namespace: string, value: string) => tokens.renew("key", fetch, { value, namespace }, never),
  };
}

test("a token that is refused stays in use while another is asked for, and where none can be had", async () => {
  const own = world();
  expect(await own.known()).toBe("t1");
  own.down(true);
  const renewing = own.refused("attacker", "t1");
  expect(own.tokens.get("key", own.fetch)).toEqual({ type: "token", value: "t1" });
  expect(await renewing).toBe(undefined);
  for (let minute = 0; minute < 600; minute += 1) {
    own.pass(60_000);
    await own.refused("attacker", "t1");
    expect(own.tokens.get("key", own.fetch)).toEqual({ type: "token", value: "t1" });
    expect(own.tokens.problem("key")).toBe(undefined);
  }
});

test("one that was sent before another came is not asked for again: the request gets the one that is there", async () => {
  const own = world();
  await own.known();
  expect(await own.refused("a", "t1")).toBe("t2");
  own.pass(hour);
  expect(await own.refused("b", "t1")).toBe("t2");
  expect(own.asked).toBe(2);
});

test("a namespace whose requests are refused whatever the token is asks less and less often, and takes no turn of another's", async () => {
  const own = world();
  let latest = await own.known();
  for (let second = 0; second < 3_600; second += 1) {
    own.pass(1_000);
    latest = (await own.refused("attacker", latest)) ?? latest;
  }
  expect(own.asked).toBeLessThanOrEqual(12);
  own.pass(10_000);
  expect(await own.refused("victim", latest)).toBe(`t${own.asked}`);
  expect(own.asked).toBeLessThanOrEqual(13);
});

test("where a new token helps, a namespace may have it renewed as often as it is revoked", async () => {
  const own = world();
  let latest = await own.known();
  for (let round = 2; round < 100; round += 1) {
    own.pass(15_000);
    expect(await own.refused("a", latest)).toBe(`t${round}`);
    latest = `t${round}`;
    own.tokens.helped("key", "a");
  }
});

test("refusals while the token server is down do not keep the token from being renewed before its life is over", async () => {
  const own = world({ lifetimeMs: hour });
  await own.known();
  own.down(true);
  for (let second = 0; second < 3_000; second += 10) {
    own.pass(10_000);
    for (const namespace of ["a", "b", "c"]) await own.refused(namespace, "t1");
    expect(await own.known()).toBe("t1");
  }
  own.down(false); // its renewal has been due for two minutes
  for (let second = 0; second < 40; second += 10) {
    own.pass(10_000);
    await own.known();
  }
  expect(await own.known()).not.toBe("t1");
  expect(own.asked).toBeLessThan(60);
});

test("many that are refused at once ask for one token", async () => {
  const own = world();
  await own.known();
  const all = await Promise.all(Array.from({ length: 50 }, (_, index) => own.refused(`n-${index % 5}`, "t1")));
  expect(new Set(all)).toEqual(new Set(["t2"]));
  expect(own.asked).toBe(2);
});

test("a token server that gives the same token again makes a refusal stand", async () => {
  const tokens = createTokens();
  const fetch: FetchToken = () => Promise.resolve({ value: "same", lifetimeMs: hour });
  expect(await tokens.wait("key", fetch, never)).toBe("same");
  expect(await tokens.renew("key", fetch, { value: "same", namespace: "a" }, never)).toBe(undefined);
});
