/** Tests of remote objects: each case is one, and all of a file run side by side. */
import { beforeAll, expect, test } from "@jest/globals";
import { firstMs, longestMoreMs, runCases, thenMs, type RemoteCase, type Seen } from "./remote-servers.ts";

export function testCases(cases: readonly RemoteCase[]): void {
  let all: ReadonlyMap<string, Seen>;
  beforeAll(
    async () => {
      all = await runCases(cases);
    },
    firstMs + 2 * thenMs + 3 * longestMoreMs + 100_000,
  );

  test.each(cases.map((one) => [one.name, one] as const))("%s", (name, { check }) => {
    const seen = all.get(name);
    expect(seen).toBeDefined();
    if (seen) check(seen);
  });
}
