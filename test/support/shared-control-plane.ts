/** The control plane that the run's globalSetup started, for test files: each uses namespaces of its own. */
import { afterAll, describe } from "@jest/globals";
import { openControlPlane, type ControlPlaneAddress, type ControlPlaneClient } from "./control-plane-client.ts";
import { addressVariable } from "./control-plane-address.ts";

const address = process.env[addressVariable];

/** `describe`, with the control plane until its tests have ended; skipped where no control plane can be had. */
export function describeWithControlPlane(name: string, tests: (plane: ControlPlaneClient) => void): void {
  if (address === "none") return describe.skip(name, () => tests(undefined as never)); // no test of it runs
  describe(name, () => {
    const plane = openShared();
    afterAll(async () => plane[Symbol.asyncDispose]());
    tests(plane);
  });
}

/** The same for whoever opens and closes it with other things. */
export function sharedControlPlane(): Promise<ControlPlaneClient> {
  return Promise.resolve(openShared());
}

function openShared(): ControlPlaneClient {
  if (address === undefined) throw new Error("this jest project has no globalSetup that starts a control plane");
  return openControlPlane(JSON.parse(address) as ControlPlaneAddress);
}
