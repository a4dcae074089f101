/**
 * What a release does, target by target: the chart by a real Helm, signatures by a real cosign with a key, to a real registry on
 * loopback. docker, gh and cosign without a key, which want a daemon, a forge and an identity, are stood in for by scripts that
 * note what they were told.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { runProgram } from "../support/run-program.ts";
import { describeWith } from "./describe-with.ts";
import { clean, make, read, root } from "./repository.ts";
import { projectTools } from "./tools.ts";

const { version } = JSON.parse(read("package.json")) as { version: string };
const digest = `sha256:${"a".repeat(64)}`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-release-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder for PATH with programs that note their arguments, and their input if `stdin`, and then run `does`. */
function standIns(programs: Readonly<Record<string, string>>): { readonly path: string; readonly told: () => readonly string[] } {
  const at = mkdtempSync(join(folder, "bin-"));
  const notes = join(at, "notes");
  for (const [name, does] of Object.entries(programs)) {
    writeFileSync(join(at, name), `#!/bin/sh\necho "${name} $*" >> ${notes}\n${does}\n`);
    chmodSync(join(at, name), 0o755);
  }
  return { path: `${at}:${process.env["PATH"]}`, told: () => readFileSync(notes, "utf8").trim().split("\n") };
}

/** A registry on loopback, without TLS, until disposed. */
async function startRegistry(crane: string): Promise<AsyncDisposable & { readonly host: string }> {
  const server = spawn(crane, ["registry", "serve", "--address", "127.0.0.1:0"], { stdio: ["ignore", "ignore", "pipe"] });
  const { promise, resolve } = Promise.withResolvers<string>();
  createInterface({ input: server.stderr }).on("line", (line) => {
    const port = /serving on port (\d+)/.exec(line)?.[1];
    if (port !== undefined) resolve(port);
  });
  return {
    host: `127.0.0.1:${await promise}`,
    async [Symbol.asyncDispose]() {
      const ended = once(server, "exit");
      server.kill();
      await ended;
    },
  };
}

describeWith("helm", "crane")("the chart of a release", () => {
  const { helm = "", crane = "" } = projectTools();
  const packaged = join(root, `dist/holdfast-${version}.tgz`);
  const environment = (): Readonly<Record<string, string>> => ({
    HOLDFAST_TEST_HELM: helm,
    HELM_CONFIG_HOME: folder,
    DOCKER_CONFIG: folder,
  });
  async function helmSays(...args: readonly string[]): Promise<string> {
    const { code, output } = await runProgram(helm, args, { cwd: folder, env: { ...clean, ...environment() } });
    if (code !== 0) throw new Error(output);
    return output;
  }

  test("names the image, and its own links, as whoever releases it sets them", async () => {
    const set = ["REGISTRY=forge.example/team", "PROJECT_URL=https://forge.example/team/repository"];
    expect(await make(["package-chart", ...set], environment())).toMatchObject({ code: 0 });
    const rendered = await helmSays("template", "holdfast", packaged);
    expect(rendered).toContain(`image: "forge.example/team/holdfast:${version}"`);
    const chart = await helmSays("show", "chart", packaged);
    expect(parse(parse(chart).annotations["artifacthub.io/images"])).toMatchObject([
      { image: `forge.example/team/holdfast:${version}` },
    ]);
    expect(chart).toContain("url: https://forge.example/team/repository/blob/main/docs/install.md");
    expect(chart + (await helmSays("show", "values", packaged))).not.toMatch(/example\.com/);
    expect(await helmSays("lint", packaged)).toContain("0 chart(s) failed");
  });

  test("is pushed to a registry as an OCI artifact, under the digest that is then signed", async () => {
    await using server = await startRegistry(crane);
    const registry = `${server.host}/team`;
    const output = join(folder, "output");
    const pushed = await make(["push-chart", `REGISTRY=${registry}`, "PLAIN_HTTP=1"], {
      ...environment(),
      GITHUB_OUTPUT: output,
    });
    expect(pushed).toMatchObject({ code: 0 });
    const { output: there } = await runProgram(crane, ["digest", "--insecure", `${registry}/charts/holdfast:${version}`], {
      cwd: folder,
    });
    expect(readFileSync(output, "utf8")).toBe(`digest=${there.trim()}\n`);
    expect(readFileSync(join(root, "dist/chart.digest"), "utf8")).toBe(there);
    const pulled = await helmSays(
      "template",
      "holdfast",
      `oci://${registry}/charts/holdfast`,
      "--version",
      version,
      "--plain-http",
    );
    expect(pulled).toContain(`image: "${registry}/holdfast:${version}"`);
  });
});

test("the image is built for two architectures, with SBOM and provenance, and pushed below REGISTRY", async () => {
  const { path, told } = standIns({ docker: `mkdir -p dist; echo '{"containerimage.digest": "${digest}"}' > dist/image.json` });
  expect(await make(["push-image", "REGISTRY=forge.example/team"], { PATH: path })).toMatchObject({ code: 0 });
  expect(told()).toEqual([
    `docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max --tag forge.example/team/holdfast:${version} --metadata-file dist/image.json --push .`,
  ]);
  expect(readFileSync(join(root, "dist/image.digest"), "utf8")).toBe(`${digest}\n`);
});

test("a push of which nobody says the digest fails, so that nothing else is signed", async () => {
  const { path } = standIns({ docker: "echo '{}' > dist/image.json" });
  expect(await make(["push-image"], { PATH: path })).toMatchObject({ code: 2 });
});

test("image and chart are signed by digest, and the SBOM is attached to both", async () => {
  mkdirSync(join(root, "dist"), { recursive: true });
  for (const what of ["image", "chart"]) writeFileSync(join(root, `dist/${what}.digest`), `${digest}\n`);
  const { path, told } = standIns({ cosign: "" });
  expect(await make(["sign", "REGISTRY=forge.example/team", "COSIGN_KEY=env://KEY"], { PATH: path })).toMatchObject({ code: 0 });
  expect(told()).toEqual(
    ["forge.example/team/holdfast", "forge.example/team/charts/holdfast"].flatMap((name) => [
      `cosign sign --yes --key=env://KEY ${name}@${digest}`,
      `cosign attest --yes --key=env://KEY --type cyclonedx --predicate sbom.json ${name}@${digest}`,
    ]),
  );
  const { components } = JSON.parse(read("sbom.json")) as { components: { name: string }[] };
  expect(components.map(({ name }) => name)).toContain("undici");
});

/** To build it takes minutes: `test/go/ensure.sh cosign` does, and then this runs; see docs/developers/release.md. */
const { cosign } = projectTools();
if (cosign !== undefined) describeWith("crane")("what is signed by a key", signs(cosign));

function signs(cosign: string): () => void {
  return () => {
    const { crane = "" } = projectTools();
    const env = { ...clean, COSIGN_PASSWORD: "of a test" };
    async function says(program: string, ...args: readonly string[]): Promise<string> {
      const { code, output } = await runProgram(program, args, { cwd: folder, env });
      if (code !== 0) throw new Error(output);
      return output;
    }
    /** What a log on the internet would attest is left out. */
    const offline = "--tlog-upload=false --use-signing-config=false --allow-insecure-registry";

    test("is verified by its public key, image and chart, with the list of packages", async () => {
      await using server = await startRegistry(crane);
      const registry = `${server.host}/team`;
      await says(cosign, "generate-key-pair");
      mkdirSync(join(root, "dist"), { recursive: true });
      await says("tar", "cf", "layer.tar", "cosign.pub");
      const signed = ["holdfast", "charts/holdfast"].map((name) => `${registry}/${name}`);
      for (const [index, what] of ["image", "chart"].entries()) {
        await says(crane, "append", "--insecure", "-f", "layer.tar", "-t", `${signed[index]}:${version}`);
        writeFileSync(
          join(root, `dist/${what}.digest`),
          await says(crane, "digest", "--insecure", `${signed[index]}:${version}`),
        );
      }
      const told = await make(["sign", `REGISTRY=${registry}`], {
        PATH: `${dirname(cosign)}:${process.env["PATH"]}`,
        COSIGN_KEY: join(folder, "cosign.key"),
        COSIGN_PASSWORD: env.COSIGN_PASSWORD,
        COSIGN_FLAGS: offline,
      });
      expect(told).toMatchObject({ code: 0 });
      const check = ["--key", "cosign.pub", "--insecure-ignore-tlog", "--allow-insecure-registry"];
      for (const name of signed) {
        expect(await says(cosign, "verify", ...check, `${name}:${version}`)).toContain(
          "verified against the specified public key",
        );
        const attested = await says(cosign, "verify-attestation", ...check, "--type", "cyclonedx", `${name}:${version}`);
        const [, payload = ""] = /"payload":"([^"]+)"/.exec(attested) ?? [];
        const { predicate } = JSON.parse(Buffer.from(payload, "base64").toString()) as { predicate: unknown };
        expect(predicate).toEqual(JSON.parse(read("sbom.json")));
      }
    });
  };
}

test("the token of the registry is given by stdin, and to the registry's host alone", async () => {
  const { path, told } = standIns({ docker: "cat >> $(dirname $0)/notes" });
  const env = { PATH: path, REGISTRY_USER: "robot", REGISTRY_TOKEN: "t$o'k en" };
  const said = await make(["login", "REGISTRY=forge.example:5000/team/more"], env);
  expect(said).toMatchObject({ code: 0, output: expect.not.stringContaining("o'k en") });
  expect(told()).toEqual(["docker login --username robot --password-stdin forge.example:5000", "t$o'k en"]);
});

test("a version is taken from a tag, and nothing in it is run", async () => {
  const { path } = standIns({ gh: "" });
  expect(await make(["changelog-entry", "VERSION=v9.9.9"])).toMatchObject({ output: expect.stringContaining('"## 9.9.9"') });
  const said = await make(["changelog-entry", "VERSION=v1'; touch broken; '"], { PATH: path });
  expect(said).toMatchObject({ code: 2, output: expect.stringContaining("CHANGELOG.md has no entry") });
  expect(existsSync(join(root, "broken"))).toBe(false);
});
