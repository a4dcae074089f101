/** jest's globalSetup of the tests with real servers: Debian's packages, unpacked, and etcd, each fetched or built once. */
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { pathFrom } from "../support/programs.ts";
import { programsVariable } from "./server.ts";

const packages = ["nginx", "haproxy", "apache2-bin", "squid", "docker-registry", "rabbitmq-server", "python3-gunicorn"];

export default async function setup(): Promise<void> {
  process.env[programsVariable] = await pathFrom("real/ensure.sh", ...packages);
  await controlPlaneBinaries();
}
