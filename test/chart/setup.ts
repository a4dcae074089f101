/**
 * jest's globalSetup of the chart's tests: Helm, the control plane's binaries, the Prometheus operator's CRDs, Prometheus, a
 * browser, the Dockerfile's linter and the image's files, built or fetched where there are none. What cannot be had is skipped on a laptop, and fails the run in CI.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { assembleImage } from "./image.ts";
import { toolsVariable, type ChartTools } from "./tools.ts";

async function pathFrom(script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, "..", script), args);
  return stdout.trim();
}

/** Undefined where it cannot be had. */
async function optional(program: string, script: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    return await pathFrom(script, ...args);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: every test that needs ${program}. ${Error.isError(error) ? error.message : ""}`);
    return undefined;
  }
}

const debianProgram = (name: string, program: string): Promise<string | undefined> =>
  optional(program, "debian/ensure.sh", name, program);

export default async function setup(): Promise<void> {
  try {
    await controlPlaneBinaries();
    const helm = await pathFrom("helm/ensure.sh");
    const prometheusCRDs = await pathFrom("helm/prometheus-crds.sh");
    const promtool = await debianProgram("prometheus", "promtool");
    const prometheus = await debianProgram("prometheus", "prometheus");
    const chromium = await debianProgram("chromium-headless-shell", "chromium-headless-shell");
    const hadolint = await optional("hadolint", "hadolint/ensure.sh");
    const tools: ChartTools = {
      helm,
      prometheusCRDs,
      image: await assembleImage(),
      ...(promtool && { promtool }),
      ...(prometheus && { prometheus }),
      ...(chromium && { chromium }),
      ...(hadolint && { hadolint }),
    };
    process.env[toolsVariable] = JSON.stringify(tools);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: every test of the chart. ${Error.isError(error) ? error.message : ""}`);
    process.env[toolsVariable] = "none";
  }
}
