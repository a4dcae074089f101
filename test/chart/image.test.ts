/** The image: what its steps put into it is enough to run, as the user that it names, and holds nothing of the tests. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { createHelm, describeWithHelm, podOf, type Container } from "./helm.ts";
import { runContainer } from "./pod-process.ts";
import { chartTools } from "./tools.ts";

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string;
  readonly dependencies: object;
  readonly devDependencies: object;
};
const hasBuilder = spawnSync("docker", ["version"], { stdio: "ignore" }).status === 0;

describeWithHelm("the image", () => {
  test("has the packages that Holdfast needs, and none that only its tests do", () => {
    const { files } = chartTools().image;
    const packages = files.find(({ to }) => to === "/app/node_modules")?.from ?? "";
    const has = (names: object): readonly string[] => Object.keys(names).filter((name) => existsSync(join(packages, name)));
    expect(has(manifest.dependencies)).toEqual(Object.keys(manifest.dependencies));
    const wanted = has(manifest.devDependencies).filter((name) => !name.startsWith("@types/")); // which a dependency may bring
    expect(wanted).toEqual([]);
    expect(files.map(({ to }) => to).toSorted()).toEqual(
      ["LICENSE", "crds", "node_modules", "package.json", "src"].map((name) => `/app/${name}`),
    );
  });

  test("is made of what .dockerignore lets through", () => {
    const through = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    const copies = readFileSync(join(root, "Dockerfile"), "utf8").matchAll(/^COPY (?!--from)(.*) \S+$/gm);
    const sources = [...copies].flatMap(([, list = ""]) => list.split(" "));
    expect(sources).toContain("src");
    expect(sources.filter((source) => !through.includes(`!${source}`))).toEqual([]);
  });

  test("runs its commands as its own user, on a root that it cannot write to", async () => {
    await using helm = await createHelm();
    const { spec, container } = podOf(await helm.render());
    const printed = async (...args: readonly string[]): Promise<string> => {
      const asked: Container = { ...container, args };
      await using process = await runContainer(spec, asked);
      expect([process.log, await process.exited]).toEqual([process.log, 0]);
      return process.log.join("\n");
    };
    expect(readFileSync(join(root, "Dockerfile"), "utf8")).toContain(
      `USER ${spec.securityContext.runAsUser}:${spec.securityContext.runAsGroup}\n`,
    );
    expect(await printed("version")).toContain(manifest.version);
    const crds = await printed("crds");
    for (const { plural } of definitions) expect(crds).toContain(`name: ${plural}.holdfast.dev`);
  }, 60_000);

  if (hasBuilder) {
    test("is built and run where there is a builder", async () => {
      const run = promisify(execFile);
      const { stdout: image } = await run("docker", ["build", "--quiet", root]);
      const { stdout } = await run("docker", ["run", "--rm", "--read-only", "--cap-drop=ALL", image.trim(), "version"]);
      expect(stdout).toContain(manifest.version);
    }, 600_000);
  }
});
