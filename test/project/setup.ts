/** jest's globalSetup of the repository's tests. What cannot be had is skipped on a laptop, and fails the run in CI. */
import { chromium as findChromium, optional, pathFrom } from "../support/programs.ts";
import { toolsVariable, type ProjectTools } from "./tools.ts";

export default async function setup(): Promise<void> {
  const actionlint = await optional("actionlint", "go/ensure.sh", "actionlint");
  const crane = await optional("crane", "go/ensure.sh", "crane");
  const cosign = await pathFrom("go/ensure.sh", "cosign", "if-built").catch(() => undefined); // see docs/developers/release.md
  const helm = await optional("helm", "helm/ensure.sh");
  const chromium = await findChromium();
  const tools: ProjectTools = {
    ...(actionlint && { actionlint }),
    ...(cosign && { cosign }),
    ...(crane && { crane }),
    ...(helm && { helm }),
    ...(chromium && { chromium }),
  };
  process.env[toolsVariable] = JSON.stringify(tools);
}
