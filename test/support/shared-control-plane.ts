/** The control plane that the run's globalSetup started, for test files: each uses namespaces of its own. */
import { describe } from "@jest/globals";
import { openControlPlane, type ControlPlaneAddress, type ControlPlaneClient } from "./control-plane-client.ts";
import { addressVariable } from "./control-plane-address.ts";

const address = process.env[addressVariable];

/** `describe`, skipped where no control plane can be had. */
export const describeWithControlPlane = address === "none" ? describe.skip : describe;

export function sharedControlPlane(): Promise<ControlPlaneClient> {
  if (address === undefined) throw new Error("this jest project has no globalSetup that starts a control plane");
  return openControlPlane(JSON.parse(address) as ControlPlaneAddress);
}
