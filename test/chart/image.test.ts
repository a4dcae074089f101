/** The image: what its steps put into it is enough to run, as the user that it names, and holds nothing of the tests. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
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
      ["LICENSE", "crds", "dist", "node_modules", "package.json"].map((name) => `/app/${name}`),
    );
  });

  test("has none of the classes that the client of Kubernetes generates", () => {
    const { files } = chartTools().image;
    const dist = files.find(({ to }) => to === "/app/dist")?.from ?? "";
    const bundle = readdirSync(dist).map((name) => readFileSync(join(dist, name), "utf8"));
    expect(bundle.filter((text) => text.includes("class _KubeConfig"))).toHaveLength(1);
    expect(bundle.filter((text) => /\bV1Pod\b|ObjectSerializer/.test(text))).toEqual([]);
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
  });

  test("has a heap of half the memory that the container may use", async () => {
    await using helm = await createHelm();
    const { container } = podOf(await helm.render());
    expect(container.resources.limits.memory).toBe("512Mi");
    using group = memoryGroup(512 * 2 ** 20);
    if (!group) return;
    const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
    const program = "console.log(v8.getHeapStatistics().heap_size_limit / 2 ** 20)";
    const node = join(root, "node_modules/.bin/node");
    const args = ["-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh", group.folder, node, "--eval", program];
    const { stdout } = spawnSync("sh", args, { encoding: "utf8", env: { ...process.env, ...env } });
    expect(Number(stdout)).toBeGreaterThanOrEqual(256);
    expect(Number(stdout)).toBeLessThan(270); // with its young generation
  });

  if (hasBuilder) {
    test("is built and run where there is a builder", async () => {
      const run = promisify(execFile);
      const { stdout: image } = await run("docker", ["build", "--quiet", root]);
      const { stdout } = await run("docker", ["run", "--rm", "--read-only", "--cap-drop=ALL", image.trim(), "version"]);
      expect(stdout).toContain(manifest.version);
    }, 600_000);
  }
});

/** A control group of this process's making, of either version; undefined where it may make none. */
function memoryGroup(limitBytes: number): (Disposable & { readonly folder: string }) | undefined {
  for (const [at, limit] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const) {
    const folder = join(at, `holdfast-test-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    const remove = (): void => rmdirSync(folder);
    try {
      writeFileSync(join(folder, limit), String(limitBytes), { flag: "r+" });
      return { folder, [Symbol.dispose]: remove };
    } catch {
      remove(); // memory is not for this hierarchy to limit
    }
  }
  return undefined;
}
