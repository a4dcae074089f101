/** The servers that come from npm, each a process of its own. `output` has a line for each request: method, URL, status. */
import { join } from "node:path";
import { freePorts } from "../support/free-ports.ts";
import { startServer, type RealServer } from "./server.ts";

/** The environment variable by which jest's workers learn where they are installed. */
export const npmVariable = "HOLDFAST_TEST_REAL_NPM";

export interface NpmServer extends RealServer {
  /** Method, path and status of each request of the product that was more than a look; the query is left out. */
  writes(): Promise<readonly string[]>;
}

export async function startNpmServer(name: "couchdb" | "graphql" | "oidc" | "s3"): Promise<NpmServer> {
  const installed = process.env[npmVariable];
  if (installed === undefined) throw new Error("this jest project has no globalSetup that installs the servers");
  const [port = 0] = await freePorts(1);
  const server = await startServer(name, (folder) =>
    Promise.resolve({
      program: process.execPath,
      args: [join(import.meta.dirname, "npm-server.ts"), name, installed, String(port), folder],
      url: `http://127.0.0.1:${port}`,
    }),
  );
  return {
    ...server,
    async writes() {
      const lines = await server.lines("output");
      return lines.filter((line) => /^(POST|PUT|PATCH|DELETE) /.test(line)).map((line) => line.replace(/\?\S*/, ""));
    },
  };
}
