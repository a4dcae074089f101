/** The guide's examples of remote objects, as they stand but for their interval: what its pages say of a change, a drift and a deletion. */
import { beforeAll, expect, test } from "@jest/globals";
import { guideApiCases } from "../support/cases/guide-apis.ts";
import { guideObjectCases } from "../support/cases/guide-objects.ts";
import { firstMs, runCases, thenMs, type Seen } from "../support/remote-servers.ts";

const cases = [...guideObjectCases, ...guideApiCases];
let all: ReadonlyMap<string, Seen>;
beforeAll(
  async () => {
    all = await runCases(cases);
  },
  firstMs + thenMs + 40_000,
);

test.each(cases.map((one) => [one.name, one] as const))("%s", (name, { check }) => {
  const seen = all.get(name);
  expect(seen).toBeDefined();
  if (seen) check(seen);
});
