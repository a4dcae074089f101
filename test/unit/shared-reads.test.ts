/** Which reads of Secrets and ConfigMaps are shared, and which never. */
import { expect, test } from "@jest/globals";
import { createSharedReads } from "../../src/engine/shared-reads.ts";
import { secretType, type ReadResult, type Reference } from "../../src/core/resource.ts";

const reference: Reference = { type: secretType, key: { namespace: "n", name: "s" } };
const { signal } = new AbortController();

/** A Secret, a watch that tells of it, and how often it was read. */
function world({ sharedMs = 60_000 } = {}) {
  const state = {
    version: 1,
    told: "1" as string | undefined,
    isWatched: true,
    isThere: true,
    reads: 0,
    gate: Promise.resolve(),
  };
  const shared = createSharedReads({
    told: () => (state.isWatched ? { version: state.told } : undefined),
    isNewer: (a, b) => Number(a) > Number(b),
    sharedMs,
  });
  const reader = {
    async read(): Promise<ReadResult> {
      state.reads += 1;
      const { version } = state;
      await state.gate;
      const metadata = { ...reference.key, uid: "u", generation: 1, resourceVersion: String(version) };
      return state.isThere
        ? { type: "found", resource: { metadata, data: { v: Buffer.from(String(version)) } } }
        : { type: "absent" };
    },
  };
  async function read({ by = "", sinceMs = -Infinity, until = signal } = {}): Promise<string> {
    const result = await shared.through({ by, sinceMs }, reader).read(reference, until);
    return result.type === "found" ? String(result.resource.data["v"]) : result.type;
  }
  return { state, read };
}

test("many who read at the same time, and soon after, read once", async () => {
  const { state, read } = world();
  expect(await Promise.all(Array.from({ length: 100 }, () => read()))).toEqual(Array.from({ length: 100 }, () => "1"));
  expect(await read()).toBe("1");
  expect(state.reads).toBe(1);
});

test("F25: a version that the watch has told of is read, once for all", async () => {
  const { state, read } = world();
  await read();
  Object.assign(state, { version: 2, told: "2" });
  expect(await Promise.all(Array.from({ length: 100 }, () => read()))).toEqual(Array.from({ length: 100 }, () => "2"));
  expect(state.reads).toBe(2);
});

test("one that was being read when the watch told of another is for nobody who comes then", async () => {
  const { state, read } = world();
  const gate = Promise.withResolvers<void>();
  state.gate = gate.promise;
  const first = read();
  Object.assign(state, { version: 2, told: "2", gate: Promise.resolve() });
  const later = [read(), read()];
  gate.resolve();
  expect([await first, ...(await Promise.all(later))]).toEqual(["1", "2", "2"]);
  expect(state.reads).toBe(2);
});

test("F25: an object that has changed since the read began reads anew, since its user may have written the Secret before", async () => {
  const { state, read } = world();
  await read();
  state.version = 2; // the watch has not told yet
  expect(await read()).toBe("1");
  expect(await read({ sinceMs: performance.now() })).toBe("2");
  expect(await read({ sinceMs: performance.now() - 60_000 })).toBe("2");
});

test.each([
  ["in another's name", { by: "n/other" }, {}, 2],
  ["where no watch tells of the namespace", {}, { isWatched: false }, 2],
  ["of which the watch says that it is gone", {}, { told: undefined }, 2],
  ["that was not there", {}, { isThere: false }, 2],
])("a read %s is shared with nobody", async (_, about, change, reads) => {
  const { state, read } = world();
  Object.assign(state, change);
  await read();
  await read(about);
  expect(state.reads).toBe(reads);
});

test("nothing is shared for longer than a watch may be silent", async () => {
  const { state, read } = world({ sharedMs: 0 });
  await read();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await read();
  expect(state.reads).toBe(2);
});

test("whoever waits for another's read that breaks off reads for himself, and whoever gives up waits no more", async () => {
  const { state, read } = world();
  state.gate = Promise.reject(new Error("broken off"));
  const first = read();
  const second = read();
  state.gate = Promise.resolve();
  await expect(first).rejects.toThrow("broken off");
  expect(await second).toBe("1");
  const ending = new AbortController();
  const endless = world();
  endless.state.gate = new Promise(() => {});
  void endless.read();
  const waiting = endless.read({ until: ending.signal });
  ending.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});
