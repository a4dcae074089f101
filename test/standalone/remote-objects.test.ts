/** Remote objects as real servers have them: each case is a small server with the manifest that a user writes for it. */
import { answerCases } from "../support/cases/answers.ts";
import { deletionCases } from "../support/cases/deletion.ts";
import { identityCases } from "../support/cases/identity.ts";
import { syncCases } from "../support/cases/sync.ts";
import { valueCases } from "../support/cases/values.ts";
import { testCases } from "../support/remote-cases.ts";

testCases([...identityCases, ...syncCases, ...deletionCases, ...answerCases, ...valueCases]);
