/** Each fault that docs/operations.md quotes is injected, and what a person then sees is held against the page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { request } from "undici";
import { createAuthority } from "../support/certificates.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { type DeclaredRequest, stateOf } from "../support/declared-requests.ts";
import { faultWorld, until, type FaultWorld } from "../support/fault-world.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

interface Row {
  readonly reason: string;
  readonly says: RegExp;
  readonly text: string;
}
/** Of the table under that heading; `…` stands for any text. */
function quoted(): readonly Row[] {
  const [, section = ""] = page.split("## What a fault looks like\n");
  const rows = section.split("\n## ")[0]?.matchAll(/^\| `(\w+)` \| (.*?) \| .* \|$/gm) ?? [];
  return [...rows].map(([, reason = "", text = ""]) => {
    const pattern = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { reason, text, says: new RegExp(`^${pattern.join(".+")}`) };
  });
}

interface ToldEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

describeWithControlPlane("a bad day", (plane) => {
  let world: FaultWorld;
  let controller: HoldfastProcess;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    world = stack.use(await faultWorld(plane, "bad-day"));
    controller = stack.use(await world.start(["--admin-address", "127.0.0.1:0"]));
  });
  afterAll(() => stack.disposeAsync());

  async function make(plural: string, name: string, content: object): Promise<void> {
    const [group, apiVersion] =
      plural === "httpendpoints" ? ["apis/holdfast.dev/v1alpha1", "holdfast.dev/v1alpha1"] : ["api/v1", "v1"];
    const kind = { httpendpoints: "HTTPEndpoint", secrets: "Secret", configmaps: "ConfigMap" }[plural];
    const object = { apiVersion, kind, metadata: { name }, ...content };
    expect((await plane.admin("POST", `/${group}/namespaces/${world.namespace}/${plural}`, object)).status).toBe(201);
  }

  /** Specs by name, each of which ends in a fault of its own. */
  async function faults(): Promise<Readonly<Record<string, object>>> {
    const gone = await rawServer(() => {});
    await gone[Symbol.asyncDispose]();
    const answering = stack.use(await loopbackServer((_, response) => response.end("{}")));
    const silent = stack.use(await loopbackServer(() => {}));
    const asking = stack.use(
      await loopbackServer((_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end()),
    );
    const authority = stack.use(createAuthority("bad day"));
    const secure = async (pair: ReturnType<typeof authority.issue>): Promise<string> =>
      stack.use(await loopbackServer((_, response) => response.end("{}"), pair)).url;
    const good = authority.issue("IP:127.0.0.1");
    const tls = { ca: { inline: authority.ca } };
    for (const [name, refusal] of [
      ["wants-password", 407],
      ["cannot-go-on", 502],
    ] as const) {
      const proxy = stack.use(await proxyServer({ refusal }));
      await make("httpendpoints", name, { spec: { baseURL: "https://127.0.0.1:1", proxy: { url: proxy.url } } });
      await controller.logged((line) => line["name"] === name && line["kind"] === "HTTPEndpoint"); // or its request would say that there is none
    }
    await make("secrets", "theirs", { stringData: { a: "1" } });
    await make("configmaps", "there", { data: { other: "1" } });
    const { url } = answering;
    const json = { method: "POST", body: { json: { text: "${ .inputs.tokn }" } } };
    return {
      refused: { url: gone.url },
      unresolved: { url: "http://nowhere.invalid/" },
      silent: { url: silent.url, timeout: "500ms" },
      authority: { url: await secure(good) },
      name: { url: await secure(authority.issue("DNS:other.example")), tls },
      expired: { url: await secure(authority.issue("IP:127.0.0.1", { days: -1 })), tls },
      "proxy-password": { endpointRef: { name: "wants-password" }, path: "/" },
      "proxy-way": { endpointRef: { name: "cannot-go-on" }, path: "/" },
      unauthorised: { url: asking.url },
      denied: { url: "http://169.254.169.254/latest" },
      secret: { url, inputs: { token: { secretKeyRef: { name: "none", key: "k" } } } },
      key: { url, inputs: { token: { configMapKeyRef: { name: "there", key: "k" } } } },
      endpoint: { endpointRef: { name: "none" }, path: "/" },
      misspelt: { url, ...json, inputs: { token: { value: "t" } } },
      schedule: { url, schedule: { cron: "61 * * * *" } },
      conflict: { url, outputs: [{ secret: { name: "theirs" }, data: { a: ".response.body" } }] },
    };
  }
  const readyOf = (one: DeclaredRequest | undefined) => one?.status?.conditions?.find(({ type }) => type === "Ready");
  /** Without how often it was tried, which goes on. */
  const lasting = (message = ""): string => message.replace(/; tr(?:y|ied) \d[^]*$/, "");

  test("says in the condition, the log, the events and on the admin page what the page on operations quotes", async () => {
    const rows = quoted();
    expect(rows.length).toBeGreaterThan(12);
    const specs = await faults();
    for (const [name, spec] of Object.entries(specs)) await world.requests.create(name, { retry: { limit: 0 }, ...spec });
    const isTold = (one: DeclaredRequest | undefined): boolean => /^(Stalled|NotReady)\/(?!Sending)/.test(stateOf(one));
    const all = await world.requests.until(
      "each fault is told",
      (seen) => Object.keys(specs).every((name) => isTold(seen.get(name))),
      60_000,
    );

    const unquoted = new Set(rows);
    const wrong: unknown[] = [];
    for (const name of Object.keys(specs)) {
      const { reason, message } = readyOf(all.get(name)) ?? {};
      const row = [...unquoted].find((one) => one.reason === reason && one.says.test(message ?? ""));
      if (row) unquoted.delete(row);
      else wrong.push([name, reason, message]);
    }
    expect(wrong).toEqual([]);
    expect([...unquoted].map(({ text }) => text)).toEqual([]);

    const events = async (): Promise<readonly ToldEvent[]> => {
      const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${world.namespace}/events`);
      return (body as { items: ToldEvent[] }).items;
    };
    for (const [name, one] of all) {
      const message = lasting(readyOf(one)?.message);
      await until(`the log tells of ${name}`, () =>
        controller.log.some(
          (line) => line.message === "reconciled" && line["name"] === name && lasting(String(line["detail"])) === message,
        ),
      );
      await until(
        `an event tells of ${name}`,
        async () => (await events()).some(({ regarding, note }) => regarding.name === name && lasting(note) === message),
        60_000,
      );
      if (stateOf(one).startsWith("NotReady/")) expect([name, one.status?.nextRunAt]).toEqual([name, expect.any(String)]);
    }
    // Each is told of once.
    expect((await events()).map(({ regarding }) => regarding.name).toSorted()).toEqual(Object.keys(specs).toSorted());
    const { adminPort } = await controller.logged((line) => line.message === "serving the admin page");
    const { body } = await request(`http://127.0.0.1:${String(adminPort)}/`);
    const shown = (await body.text()).replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
    // The ten newest, with the words of the condition.
    expect([...all.values()].filter((one) => shown.includes(lasting(readyOf(one)?.message)))).toHaveLength(10);
  });
});
