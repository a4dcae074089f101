/** An HTTPRequest's outputs. Pure. */
import { findCondition } from "../../core/conditions.ts";
import type { Output } from "../../core/output.ts";
import { declaredOutputs, madeBefore } from "../request/outputs.ts";
import type { HTTPRequest } from "../types.ts";

/** With what is known of runs that have succeeded before: those have made them. */
export function outputsOf({ spec, status }: Pick<HTTPRequest, "spec" | "status">): readonly Output[] {
  const outputs = declaredOutputs(spec.outputs, "spec.outputs");
  const hasSucceeded =
    findCondition(status, "Succeeded")?.status === "True" || status?.history?.some(({ succeeded }) => succeeded) === true;
  return hasSucceeded ? madeBefore(outputs) : outputs;
}
