import { describe } from "@jest/globals";
import { projectTools, type ProjectTools } from "./tools.ts";

/** `describe`, skipped where one of the programs cannot be had. */
export const describeWith = (...needs: readonly (keyof ProjectTools)[]): typeof describe.skip =>
  needs.every((name) => projectTools()[name]) ? describe : describe.skip;
