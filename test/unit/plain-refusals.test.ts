/** A status that is refused makes the process unready, until any status has been written. */
import { expect, jest, test } from "@jest/globals";
import { createUnrecordedOutcomes } from "../../src/engine/unrecorded.ts";
import { thing, type } from "../support/memory-store.ts";

test("a plain write that was refused counts until an outcome has been recorded, too", async () => {
  const { signal } = new AbortController();
  const unrecorded = createUnrecordedOutcomes({ emit: () => {}, announce: () => {} });
  unrecorded.notePlainWrite(new Error("403"));
  using now = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  expect(unrecorded.problem()).toBeDefined();
  now.mockRestore();
  const resource = thing("a");
  await unrecorded.record(
    {
      type,
      resource,
      status: {},
      write: () => Promise.resolve({ type: "written", resource }),
      isGone: () => Promise.resolve(false),
      mayRecord: () => "yes",
    },
    signal,
  );
  using _later = jest.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  expect(unrecorded.problem()).toBeUndefined();
});
