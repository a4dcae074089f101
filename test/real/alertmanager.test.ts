/** Alertmanager's silences: another version of one is another silence, under another id, and the one before it has expired. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { freePorts } from "../support/free-ports.ts";
import { declare, endpoint, resource, until, type Declared, type Manifest } from "./declared.ts";
import { startServer, unpacked, type RealServer } from "./server.ts";

let server: RealServer;
let declared: Declared;
const started = new AsyncDisposableStack();

interface Silence {
  readonly id: string;
  readonly comment: string;
  readonly status: { readonly state: string };
}
async function silences(): Promise<readonly Silence[]> {
  return (await (await fetch(`${server.url}/api/v2/silences`)).json()) as readonly Silence[];
}
const active = async (): Promise<readonly Silence[]> => (await silences()).filter(({ status }) => status.state === "active");

/** Debian's build has the place of its templates written into it, as a text of so many bytes. */
async function relocated(folder: string): Promise<string> {
  const built = "/usr/share/prometheus/alertmanager";
  const here = `.${"/".repeat(built.length - 1 - "templates".length)}templates`;
  const program = join(folder, "alertmanager");
  const content = await readFile(unpacked("usr/bin/prometheus-alertmanager"), "latin1");
  await writeFile(program, content.replaceAll(built, here), { encoding: "latin1", mode: 0o755 });
  return program;
}
async function startAlertmanager(): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("alertmanager", async (folder) => {
    await cp(unpacked("usr/share/prometheus/alertmanager"), join(folder, "templates"), { recursive: true });
    await writeFile(join(folder, "conf"), "route: { receiver: none }\nreceivers: [{ name: none }]\n");
    const url = `http://127.0.0.1:${port}`;
    const program = await relocated(folder);
    const options = [
      "--config.file=conf",
      "--storage.path=data",
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ];
    return {
      program: "/usr/bin/env",
      args: ["-C", folder, program, ...options],
      url: `${url}/-/ready`,
      isUp: ({ status }) => status === 200,
    };
  });
}

const manifests = (comment: string): readonly Manifest[] => [
  endpoint("alertmanager", { baseURL: `${new URL(server.url).origin}/api/v2` }),
  resource("silence", {
    endpointRef: { name: "alertmanager" },
    parameters: {
      matchers: [{ name: "job", value: "db", isRegex: false, isEqual: true }],
      startsAt: "2026-01-01T00:00:00Z",
      endsAt: "2099-12-31T00:00:00Z",
      createdBy: "ops",
      comment,
    },
    externalID: ".response.body.silenceID",
    lookup: {
      path: "/silences",
      items: '[.response.body[] | select(.status.state != "expired")]',
      match: '.item.createdBy == "ops"',
      externalID: ".item.id",
    },
    observe: { path: "/silence/${ .externalID }", object: '.response.body | select(.status.state != "expired")' },
    create: { path: "/silences", body: { json: "${ .parameters }" } },
    update: { path: "/silences", method: "POST", body: { json: "${ .parameters + {id: .externalID} }" } },
    delete: { path: "/silence/${ .externalID }" },
    ignore: [".startsAt"],
    compare: [{ path: ".endsAt", as: 'sub("\\\\.0+Z$"; "Z")' }],
    interval: "1s",
  }),
];

beforeAll(async () => {
  server = started.use(await startAlertmanager());
  server = { ...server, url: new URL(server.url).origin };
  declared = started.use(await declare(manifests("one")));
  await declared.ready("silence");
});
afterAll(() => started.disposeAsync());

test("a silence is made once, and stays the one that it is", async () => {
  await sleep(3_000);
  expect((await silences()).map(({ comment }) => comment)).toEqual(["one"]);
  await declared.ready("silence");
});
test("with another comment it is another silence, and the only one that is active", async () => {
  await declared.change(manifests("two"));
  await until(
    async () => (await active()).map(({ comment }) => comment).join() === "two",
    () => declared.state("silence"),
  );
  await declared.ready("silence");
  await sleep(3_000);
  const [one] = await active();
  expect([(await active()).length, JSON.stringify(declared.object("silence")?.status)]).toEqual([
    1,
    expect.stringContaining(`"externalID":"${one?.id}"`),
  ]);
});
test("one that somebody ended is made anew, once", async () => {
  const [one] = await active();
  const before = (await silences()).length;
  expect((await fetch(`${server.url}/api/v2/silence/${one?.id}`, { method: "DELETE" })).status).toBe(200);
  await until(
    async () => (await active()).length === 1,
    () => declared.state("silence"),
  );
  await sleep(2_500);
  expect((await silences()).length).toBe(before + 1);
});
test("it ends when nothing is declared any more", async () => {
  await declared.change([]);
  await until(
    async () => (await active()).length === 0,
    () => declared.state("silence"),
  );
});
test("one that is there already is taken over, with one update for what is ignored, and not made twice", async () => {
  const [, { spec } = {}] = manifests("mine") as unknown as readonly { readonly spec: { readonly parameters: object } }[];
  const headers = { "content-type": "application/json" };
  await fetch(`${server.url}/api/v2/silences`, { method: "POST", headers, body: JSON.stringify(spec?.parameters) });
  const before = (await silences()).length;
  await using another = await declare(manifests("mine"));
  await another.ready("silence");
  await sleep(2_500);
  expect([(await active()).map(({ comment }) => comment), (await silences()).length]).toEqual([["mine"], before + 1]);
});
