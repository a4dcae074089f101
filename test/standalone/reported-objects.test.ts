/** Servers that people have told of in public. By its number each is in the name of a test, here or in remote-objects.test.ts. */
import { expect, test } from "@jest/globals";
import { answerCases } from "../support/cases/answers.ts";
import { deletionCases } from "../support/cases/deletion.ts";
import { identityCases } from "../support/cases/identity.ts";
import { reportedAnswerCases } from "../support/cases/reported-answers.ts";
import { reportedObjectCases } from "../support/cases/reported-objects.ts";
import { syncCases } from "../support/cases/sync.ts";
import { testCases } from "../support/remote-cases.ts";

const here = [...reportedObjectCases, ...reportedAnswerCases];
testCases(here);

test("each server that was reported has a test", () => {
  const named = [...here, ...identityCases, ...syncCases, ...deletionCases, ...answerCases].map(({ name }) => name);
  const numbers = new Set(
    named.flatMap((name) => name.match(/^[\d, ]+:|\b\d\d(?=[,:])/g) ?? []).flatMap((text) => text.match(/\d\d/g)),
  );
  const reported =
    "01 02 03 04 05 06 07 08 09 10 11 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 30 31 32 33 34 35 37 40 43 44 45 46 48 49 51 52";
  expect(reported.split(" ").filter((number) => !numbers.has(number))).toEqual([]);
});
