/** The etcd that the control planes of other tests have, by itself. */
import { join } from "node:path";
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { freePorts } from "../support/free-ports.ts";
import { startServer, type RealServer } from "./server.ts";

export async function startEtcd(): Promise<RealServer> {
  const binaries = await controlPlaneBinaries();
  const [port = 0, peer = 0] = await freePorts(2);
  return startServer("etcd", async (folder) => {
    const url = `http://127.0.0.1:${port}`;
    const peerURL = `http://127.0.0.1:${peer}`;
    const args = [
      `--data-dir=${join(folder, "data")}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerURL}`,
      `--initial-advertise-peer-urls=${peerURL}`,
      `--initial-cluster=default=${peerURL}`,
    ];
    return { program: join(binaries, "etcd"), args, url };
  });
}
