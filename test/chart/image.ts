/**
 * The image's files, made by the steps of the Dockerfile where nothing can build it: what the first RUN of a stage makes is
 * kept in a cache folder, by the digest of the steps until then and of what they copy, as a builder would.
 *
 * Invariant: a step that this does not know is an error, so that it never makes anything else than a builder.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, posix } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const cache = join(
  process.env["HOLDFAST_TEST_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "holdfast"),
  "image",
);

/** `from`: a file or folder of this machine. `to`: where the image has it. */
export interface ImageFile {
  readonly from: string;
  readonly to: string;
}
export interface Image {
  readonly files: readonly ImageFile[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}
interface Step {
  readonly keyword: string;
  readonly rest: string;
}

/** The Dockerfile's steps, by stage. https://docs.docker.com/reference/dockerfile/ */
function readStages(): readonly (readonly Step[])[] {
  const text = readFileSync(join(root, "Dockerfile"), "utf8").replaceAll(/\\\n/g, " ");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const steps = lines.map((line) => ({ keyword: line.split(" ")[0] ?? "", rest: line.slice(line.indexOf(" ") + 1).trim() }));
  return steps.reduce<Step[][]>((all, step) => {
    if (step.keyword === "FROM") all.push([]);
    all.at(-1)?.push(step);
    return all;
  }, []);
}

/** `stages`: folders, by the names of stages. */
function copied(rest: string, workdir: string, stages: ReadonlyMap<string, string>): readonly ImageFile[] {
  const [, stage, list = ""] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? [];
  const paths = list.split(/\s+/);
  const target = paths.pop() ?? "";
  const context = stage === undefined ? root : stages.get(stage);
  if (context === undefined) throw new Error(`the Dockerfile copies from ${stage}, which there is not`);
  return paths.map((path) => {
    const to = posix.resolve(workdir, target);
    return { from: join(context, path), to: target.endsWith("/") ? join(to, basename(path)) : to };
  });
}

/** What the last stage has. Throws what a step says that fails. */
export async function assembleImage(): Promise<Image> {
  const stages = new Map<string, string>();
  const all = readStages();
  for (const steps of all.slice(0, -1)) {
    const [, name = ""] = / AS (\w+)$/.exec(steps[0]?.rest ?? "") ?? [];
    stages.set(name, await builtStage(steps));
  }
  const image = { files: [] as ImageFile[], env: {} as Record<string, string>, workdir: "/" };
  for (const { keyword, rest } of all.at(-1) ?? []) {
    switch (keyword) {
      case "WORKDIR":
        image.workdir = posix.resolve(image.workdir, rest);
        continue;
      case "COPY":
        image.files.push(...copied(rest, image.workdir, stages));
        continue;
      case "ENV":
        Object.assign(image.env, Object.fromEntries([rest.split("=")]));
        continue;
      case "FROM":
      case "USER":
      case "EXPOSE":
      case "ENTRYPOINT":
      case "CMD":
        continue;
    }
    throw new Error(`what does ${keyword} do to the image?`);
  }
  return image;
}

/** Its root, a folder: the cache's where the first RUN is the last step, else one that is removed as the process exits. */
async function builtStage(steps: readonly Step[]): Promise<string> {
  await mkdir(cache, { recursive: true });
  const kept = steps.findIndex(({ keyword }) => keyword === "RUN") + 1;
  const first = await cachedSteps(steps.slice(0, kept));
  if (kept === steps.length) return first;
  const folder = await mkdtemp(join(cache, "build."));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await promisify(execFile)("cp", ["-RPl", `${first}/.`, folder]);
  await perform(steps, kept, folder);
  return folder;
}

async function cachedSteps(steps: readonly Step[]): Promise<string> {
  const digest = createHash("sha256").update(JSON.stringify(steps));
  const copies = steps.filter(({ keyword }) => keyword === "COPY").flatMap(({ rest }) => copied(rest, "/", new Map()));
  for (const { from } of copies) digest.update(readFileSync(from));
  const built = join(cache, digest.digest("hex").slice(0, 16));
  if (existsSync(built)) return built;

  const folder = await mkdtemp(join(cache, "build."));
  try {
    await perform(steps, 0, folder);
    await rename(folder, built);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!existsSync(built)) throw error; // by another run
  }
  return built;
}

/** Those from `start` on, in `folder`, which has what those before them made. */
async function perform(steps: readonly Step[], start: number, folder: string): Promise<void> {
  let workdir = "/";
  for (const [index, { keyword, rest }] of steps.entries()) {
    if (keyword === "WORKDIR") await mkdir(join(folder, (workdir = posix.resolve(workdir, rest))), { recursive: true });
    if (index < start) continue;
    if (keyword === "COPY")
      for (const { from, to } of copied(rest, workdir, new Map())) await cp(from, join(folder, to), { recursive: true });
    else if (keyword === "RUN") await promisify(execFile)("sh", ["-c", rest], { cwd: join(folder, workdir) });
    else if (keyword !== "FROM" && keyword !== "WORKDIR") throw new Error(`what does ${keyword} do to a stage?`);
  }
}
