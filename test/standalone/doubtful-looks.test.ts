/** Remote objects of servers that seem to say that one is not there: each with the manifest that a user writes for it. */
import { doubtfulLookCases } from "../support/cases/doubtful-looks.ts";
import { testCases } from "../support/remote-cases.ts";

testCases(doubtfulLookCases);
