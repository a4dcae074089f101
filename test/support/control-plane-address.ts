/** Where the control planes of a run are: each of jest's workers has one for itself, so that no two files at a time share one. */
import type { ControlPlaneAddress } from "./control-plane-client.ts";

/** As many as a run has, at most: another takes most of a gigabyte. */
export const mostControlPlanes = 2;

const variable = "HOLDFAST_TEST_CONTROL_PLANES";

/** Tells the workers, which inherit it. None: there are none. */
export function tellAddresses(addresses: readonly ControlPlaneAddress[]): void {
  process.env[variable] = JSON.stringify(addresses);
}

/** That of this worker; `none`: there is none; undefined: this project has no globalSetup that starts them. */
export function ownAddress(): ControlPlaneAddress | "none" | undefined {
  const told = process.env[variable];
  if (told === undefined) return undefined;
  const addresses = JSON.parse(told) as readonly ControlPlaneAddress[];
  const worker = Number(process.env["JEST_WORKER_ID"] ?? 1);
  return addresses[(worker - 1) % addresses.length] ?? "none";
}
