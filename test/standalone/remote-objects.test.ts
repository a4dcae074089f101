/** Remote objects as real servers have them: each case is a small server with the manifest that a user writes for it. */
import { beforeAll, expect, test } from "@jest/globals";
import { answerCases } from "../support/cases/answers.ts";
import { deletionCases } from "../support/cases/deletion.ts";
import { identityCases } from "../support/cases/identity.ts";
import { syncCases } from "../support/cases/sync.ts";
import { firstMs, runCases, thenMs, type Seen } from "../support/remote-servers.ts";

const cases = [...identityCases, ...syncCases, ...deletionCases, ...answerCases];
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
