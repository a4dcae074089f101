/**
 * jest's globalSetup of the chart's tests: Helm, the control plane's binaries, the Prometheus operator's CRDs, Prometheus, a
 * browser, the Dockerfile's linter and the image's files, built or fetched where there are none. What cannot be had is skipped on a laptop, and fails the run in CI.
 */
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { chromium as findChromium, debianProgram, optional, pathFrom } from "../support/programs.ts";
import { assembleImage } from "./image.ts";
import { toolsVariable, type ChartTools } from "./tools.ts";

export default async function setup(): Promise<void> {
  try {
    await controlPlaneBinaries();
    const helm = await pathFrom("helm/ensure.sh");
    const prometheusCRDs = await pathFrom("helm/prometheus-crds.sh");
    const promtool = await debianProgram("prometheus", "promtool");
    const prometheus = await debianProgram("prometheus", "prometheus");
    const isBuilt = process.env["CI"] === "true" ? [] : ["if-built"]; // it takes minutes
    const prometheusAdapter = await optional("prometheus-adapter", "go/ensure.sh", "prometheus-adapter", ...isBuilt);
    const chromium = await findChromium();
    const hadolint = await optional("hadolint", "hadolint/ensure.sh");
    const gitops = await optional("gitops", "gitops/ensure.sh");
    const gitopsEngine = await optional("gitops-engine", "gitops/engine/ensure.sh");
    const tools: ChartTools = {
      helm,
      ...(gitops && { gitops }),
      ...(gitopsEngine && { gitopsEngine }),
      prometheusCRDs,
      image: await assembleImage(),
      ...(promtool && { promtool }),
      ...(prometheus && { prometheus }),
      ...(prometheusAdapter !== undefined && { prometheusAdapter }),
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
