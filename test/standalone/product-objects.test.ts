/** Objects of products that many have, each through its whole life, by the manifest that the guide leads to. */
import { listProductCases } from "../support/cases/products-lists.ts";
import { oddProductCases } from "../support/cases/products-odd.ts";
import { restProductCases } from "../support/cases/products-rest.ts";
import { testCases } from "../support/remote-cases.ts";

testCases([...restProductCases, ...oddProductCases, ...listProductCases]);
