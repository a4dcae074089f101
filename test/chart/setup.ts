/**
 * jest's globalSetup of the chart's tests: Helm, the control plane's binaries and the Prometheus operator's CRDs, built or
 * fetched where there are none. Without Go the tests are skipped on a laptop, and the run fails in CI.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { toolsVariable, type ChartTools } from "./tools.ts";

async function pathFrom(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, "../helm", script));
  return stdout.trim();
}

export default async function setup(): Promise<void> {
  try {
    await controlPlaneBinaries();
    const tools: ChartTools = { helm: await pathFrom("ensure.sh"), prometheusCRDs: await pathFrom("prometheus-crds.sh") };
    process.env[toolsVariable] = JSON.stringify(tools);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: every test of the chart. ${Error.isError(error) ? error.message : ""}`);
    process.env[toolsVariable] = "none";
  }
}
