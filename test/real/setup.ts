/** jest's globalSetup of the tests with real servers: Debian's packages and npm's, unpacked, and etcd, each fetched or built once. */
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { pathFrom } from "../support/programs.ts";
import { npmVariable } from "./npm-servers.ts";
import { programsVariable } from "./server.ts";

const packages = [
  "nginx",
  "haproxy",
  "apache2-bin",
  "squid",
  "docker-registry",
  "rabbitmq-server",
  "python3-gunicorn",
  "prometheus-alertmanager",
];

export default async function setup(): Promise<void> {
  process.env[programsVariable] = await pathFrom("debian/unpack.sh", ...packages);
  process.env[npmVariable] = await pathFrom("real/ensure-npm.sh");
  await controlPlaneBinaries();
}
