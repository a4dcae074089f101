/**
 * The guard that lasts: nobody stops the process, and nobody holds up another. The real controller, under the chart's memory
 * limit, a victim in another namespace with a request each second, and beside it, one after the other, the worst input that each
 * limit of each tenant's schema allows, and the worst answer that each limit of an answer allows.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { request } from "undici";
import { definitions } from "../../src/api/definitions.ts";
import { confineMemory, peakMemoryBytes } from "../support/confine-memory.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { answerNames } from "../support/guard-origin.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { bases, worstInputs, type WorstInput } from "../support/worst-inputs.ts";

const MiB = 1024 * 1024;
/** The chart's defaults. */
const limitBytes = 512 * MiB;
const heapMiB = 256;

/** Longer, and probes, the lease and everybody's requests wait. */
const maxStallMs = 100;
const maxLateMs = 1_000;
const periodMs = 1_000;
/** Objects that are declared at once, and how long each lot has. */
const lotSize = 24;
const lotMs = 1_000;

/** Limits that no object reaches: what has other rules besides its length. */
const ruled =
  /^(HTTPRequest spec|HTTPResource spec\.\w+|HTTPEndpoint spec\.auth\.login\.(requests\[\]|logout))\.method$|^HTTPRequest spec\.(rerunOn\.inputs\[\]|schedule\.at)$/;
const root = join(import.meta.dirname, "../..");
const support = (file: string): string => join(import.meta.dirname, "../support", file);
async function startOrigins(): Promise<AsyncDisposable & Readonly<Record<"url" | "victims", string>>> {
  const child = spawn(process.execPath, [support("guard-origin.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const [url = "", victims = ""] = line.split(" ").map((port) => `http://127.0.0.1:${port}`);
  return {
    url,
    victims,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describeWithControlPlane("beside the worst that is allowed", (plane) => {
  const started = new AsyncDisposableStack();
  let controller: HoldfastProcess;
  let url: string;
  let victims: string;
  let namespaces: Readonly<Record<"attacker" | "victim", string>>;
  const path = (namespace: string, plural: string): string => `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/${plural}`;

  beforeAll(async () => {
    ({ url, victims } = started.use(await startOrigins()));
    namespaces = { attacker: await plane.createNamespace("guard"), victim: await plane.createNamespace("guarded") };
    const probe = `--import ${pathToFileURL(support("stall-probe.ts")).href}`;
    const env = { NODE_OPTIONS: `--max-old-space-size=${heapMiB} ${probe}` };
    const watched = Object.values(namespaces).join(",");
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", watched, "--log-level", "info"];
    // As the image has it: from the sources Node would hold what strips their types, too.
    await promisify(execFile)("npm", ["run", "-s", "build"], { cwd: root });
    controller = await startController(args, env, join(root, "dist/main.js"));
    const group = confineMemory(controller.pid, limitBytes);
    if (group) started.use(group); // it can be taken away when the process has ended
    started.use(controller);
    const data = { a: Buffer.from("x".repeat(700_000)).toString("base64") };
    await plane.admin("POST", `/api/v1/namespaces/${namespaces.attacker}/secrets`, { metadata: { name: "long" }, data });
    await declare("victim", "httprequests", "victim", { url: `${victims}/`, method: "GET", schedule: { every: "1s" } });
    await declare("attacker", "httpendpoints", "e", { baseURL: url });
    await sleep(3_000);
    await judge([]); // what starting costs is no attack
  });
  afterAll(() => started.disposeAsync());

  async function declare(where: "attacker" | "victim", plural: string, name: string, spec: object): Promise<number> {
    const kind = definitions.find((definition) => definition.plural === plural)?.kind;
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec };
    return (await plane.admin("POST", path(namespaces[where], plural), object)).status;
  }
  async function removeAll(): Promise<void> {
    const plurals = ["httprequests", "httpresources", "httpendpoints?fieldSelector=metadata.name!=e"];
    await Promise.all(plurals.map((plural) => plane.admin("DELETE", path(namespaces.attacker, plural))));
  }
  let seen = 0;
  /** What went wrong since it was last asked: with what at hand. */
  async function judge(names: readonly string[]): Promise<readonly string[]> {
    const probes = controller.log.slice(seen).filter(({ message }) => message === "stall-probe");
    seen = controller.log.length;
    const stallMs = Math.max(0, ...probes.map((line) => Number(line["longestMs"])));
    const { body } = await request(`${victims}/report`);
    const { longestGapMs, stalledMs } = (await body.json()) as Readonly<Record<"longestGapMs" | "stalledMs", number>>;
    const lateMs = longestGapMs - periodMs - stalledMs; // the origin does nothing, so that what it is late by is the machine's
    const about = `beside ${names.join(", ")}`;
    return [
      ...(probes.length === 0 ? [`the process said nothing ${about}`] : []),
      ...(stallMs > maxStallMs ? [`the event loop stood still for ${stallMs} ms ${about}`] : []),
      ...(lateMs > maxLateMs ? [`the victim was late by ${lateMs} ms ${about}`] : []),
    ];
  }
  /** In lots: declared together, judged, removed. */
  async function besideAll(lots: readonly (readonly { readonly at: string; readonly declare: () => Promise<number> }[])[]) {
    const wrong: string[] = [];
    let taken = 0;
    for (const lot of lots) {
      const found: (readonly string[])[] = [];
      // What goes wrong is looked at once more: an input does the same again, a busy machine hardly.
      while (found.length < 2 && found.every((one) => one.length > 0)) {
        const statuses = await Promise.all(lot.map((one) => one.declare()));
        if (found.length === 0) taken += statuses.filter((status) => status === 201).length;
        await sleep(lotMs);
        found.push(await judge([...new Set(lot.map(({ at }) => at))]));
        await removeAll();
      }
      if (found.every((one) => one.length > 0)) wrong.push(...found.flat());
    }
    return { wrong, taken };
  }
  const inLots = <T>(all: readonly T[], size = lotSize): T[][] =>
    Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

  test("of inputs, the victim is served in time, and the event loop never stands still", async () => {
    const kinds = definitions
      .filter(({ scope }) => scope === "Namespaced")
      .map((definition) => {
        const { inputs, missing } = worstInputs(definition, bases(`${url}/ok`)[definition.kind] ?? []);
        return { plural: definition.plural, inputs, missing };
      });
    expect(kinds.flatMap(({ missing }) => missing).filter((at) => !ruled.test(at))).toEqual([]);
    let number = 0;
    const all = kinds.flatMap(({ plural, inputs }) =>
      inputs.map(({ at, spec }: WorstInput) => ({ at, declare: () => declare("attacker", plural, `n${(number += 1)}`, spec) })),
    );
    await judge([]);
    const { wrong, taken } = await besideAll(inLots(all));
    expect(wrong).toEqual([]);
    expect(taken).toBeGreaterThan(all.length * 0.9);
    expect(peakMemoryBytes(controller.pid)).toBeLessThan(limitBytes);
  }, 600_000);

  test("of answers, the victim is served in time, and the event loop never stands still", async () => {
    const secrets = { a: { secretKeyRef: { name: "long", key: "a" } } };
    const uses = (at: string): readonly object[] => [
      {
        plural: "httprequests",
        spec: {
          url: at,
          method: "GET",
          record: "Body",
          inputs: secrets,
          headers: [{ name: "x-a", value: "${ .inputs.a[:9] }" }],
        },
      },
      { plural: "httprequests", spec: { url: at, method: "GET", expect: { that: ".response.body | length > 0" } } },
      {
        plural: "httprequests",
        spec: {
          url: at,
          method: "GET",
          forEach: { items: Array.from({ length: 40 }, (_, n) => n) },
          expect: { that: ".response.body != 1" },
        },
      },
      {
        plural: "httpresources",
        spec: {
          lookup: { url: at, items: ".response.body", match: ".item == 7", externalID: ".item" },
          create: { url },
          externalID: ".response.body.id",
        },
      },
      {
        plural: "httpresources",
        spec: {
          observe: { url: at },
          update: { url: at, method: "PATCH", body: { mergePatch: { a: 1 } } },
          create: { url },
          externalID: '"x"',
        },
      },
      {
        plural: "httprequests",
        spec: { url: at, method: "POST", body: { secretKeyRef: { name: "long", key: "a" } }, record: "Body" },
      },
    ];
    let number = 0;
    const lots = answerNames.map((name) =>
      (uses(`${url}/answer/${name}`) as readonly { plural: string; spec: object }[]).map(({ plural, spec }) => ({
        at: `the answer ${name}`,
        declare: () => declare("attacker", plural, `a${(number += 1)}`, spec),
      })),
    );
    const { wrong, taken } = await besideAll(lots);
    expect(wrong).toEqual([]);
    expect(taken).toBeGreaterThan(lots.length * 4);
    expect(peakMemoryBytes(controller.pid)).toBeLessThan(limitBytes);
  }, 600_000);

  /** What goes wrong beside many at once; `round` is for their names. */
  async function besideMany(round: number): Promise<readonly string[]> {
    const items = Array.from({ length: 40 }, (_, n) => n);
    const lot = ["two-byte-text", "control-characters", "numbers", "empty-objects", "not-utf-8"].flatMap((name) =>
      Array.from({ length: 6 }, (_, n) => ({
        at: name,
        declare: () =>
          declare("attacker", "httprequests", `m${round}-${name}-${n}`, {
            url: `${url}/answer/${name}`,
            method: "GET",
            record: "Body",
            forEach: { items },
            expect: { that: n % 2 === 0 ? "[range(2000000)] | length > 0" : ".response | tostring * 3 | length > 0" },
          }),
      })),
    );
    const statuses = await Promise.all(lot.map((one) => one.declare()));
    expect(new Set(statuses)).toEqual(new Set([201]));
    const wrong: string[] = [];
    for (let second = 0; second < 10; second += 1) {
      await sleep(1_000);
      wrong.push(...(await judge(["30 lists of long answers"])));
    }
    await removeAll();
    return wrong;
  }
  test("of many at once, memory stays below the limit", async () => {
    let wrong = await besideMany(1);
    if (wrong.length > 0) wrong = await besideMany(2); // as above
    expect(wrong).toEqual([]);
    expect(peakMemoryBytes(controller.pid)).toBeLessThan(limitBytes);
  });
});
