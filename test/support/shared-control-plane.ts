/** A control plane that the run's globalSetup started, for test files: each uses namespaces of its own. */
import { afterAll, describe } from "@jest/globals";
import { openControlPlane, type ControlPlaneClient } from "./control-plane-client.ts";
import { ownAddress } from "./control-plane-address.ts";

const address = ownAddress();

/** `describe`, with the control plane until its tests have ended; skipped where no control plane can be had. */
export function describeWithControlPlane(name: string, tests: (plane: ControlPlaneClient) => void): void {
  if (address === "none") return describe.skip(name, () => tests(undefined as never)); // no test of it runs
  describe(name, () => {
    if (address === undefined) throw new Error("this jest project has no globalSetup that starts a control plane");
    const plane = openControlPlane(address);
    tests(plane);
    afterAll(async () => plane[Symbol.asyncDispose]()); // when what the tests have made with it is gone
  });
}
