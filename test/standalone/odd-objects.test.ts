/** Servers of the kinds that were reported, out of the common in other ways: each with the manifest that the docs lead to. */
import { oddExistenceCases } from "../support/cases/odd-existence.ts";
import { oddSyncCases } from "../support/cases/odd-sync.ts";
import { testCases } from "../support/remote-cases.ts";

testCases([...oddExistenceCases, ...oddSyncCases]);
