/** Servers that change, replace and delete in ways of their own: each with the manifest that the docs lead to. */
import { oddChangeCases } from "../support/cases/odd-changes.ts";
import { testCases } from "../support/remote-cases.ts";

testCases(oddChangeCases);
