/** Servers that answer or delete in ways of their own: each with the manifest that the docs lead to. */
import { oddAnswerCases } from "../support/cases/odd-answers.ts";
import { oddDeletionCases } from "../support/cases/odd-deletion.ts";
import { testCases } from "../support/remote-cases.ts";

testCases([...oddAnswerCases, ...oddDeletionCases]);
