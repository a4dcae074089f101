/**
 * jest's globalSetup of the projects that need a control plane: one for each worker of the run, with the CRDs and the
 * controller's rights, as the chart has them, installed. Where there are no binaries and no Go, the tests that need it are skipped on a laptop
 * and the run fails in CI.
 */
import { controlPlaneBinaries, startControlPlane, type ControlPlane } from "./control-plane.ts";
import { grantController, helmProgram } from "./chart-rights.ts";
import { installCRDs } from "./install.ts";
import { mostControlPlanes, tellAddresses } from "./control-plane-address.ts";

/** What `control-plane-teardown.ts` stops. */
export const running: ControlPlane[] = [];

export default async function setup({ maxWorkers }: { readonly maxWorkers: number }): Promise<void> {
  try {
    await controlPlaneBinaries();
    await helmProgram();
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: every test that needs a Kubernetes API server. ${Error.isError(error) ? error.message : ""}`);
    tellAddresses([]);
    return;
  }
  if (maxWorkers > mostControlPlanes)
    console.warn(
      `${maxWorkers} workers share ${mostControlPlanes} control planes, and disturb each other: --maxWorkers=${mostControlPlanes}`,
    );
  await Promise.all(Array.from({ length: Math.min(maxWorkers, mostControlPlanes) }, startOne));
  tellAddresses(running.map(({ address }) => address));
}
async function startOne(): Promise<void> {
  const plane = await startControlPlane();
  running.push(plane);
  await installCRDs(plane);
  await grantController(plane);
}
