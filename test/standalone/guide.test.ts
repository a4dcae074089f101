/** The guide's examples of remote objects, as they stand but for their interval: what its pages say of a change, a drift and a deletion. */
import { guideApiCases } from "../support/cases/guide-apis.ts";
import { guideObjectCases } from "../support/cases/guide-objects.ts";
import { testCases } from "../support/remote-cases.ts";

testCases([...guideObjectCases, ...guideApiCases]);
