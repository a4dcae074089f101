/** `holdfast convert` as a process, and what it prints run against servers that behave as those that the objects were written for. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { createAuthority } from "../support/certificates.ts";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start, type Ended } from "../support/holdfast.ts";
import { peerDocuments, peerFiles, peerText } from "../support/peer-objects.ts";
import { peerKey, peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";

const longMs = 120_000;
/** What a Secret may hold that JSON and jq have marks for. */
const phrase = 'line "one"\nline \\(two) ${ three } {{ four:default:five }}';

const failing = "HTTPRequest default/failing-here";
const done: readonly string[] = ["Succeeded", "Created", "Updated", "Adopted"];

interface World {
  readonly plain: PeerOrigin;
  readonly tls: PeerOrigin;
  readonly converted: Ended;
  /** What the state says when all had been done. */
  readonly objects: ReadonlyMap<string, { readonly reason: string; readonly status: Readonly<Record<string, unknown>> }>;
  readonly outputs: ReadonlyMap<string, Readonly<Record<string, string>>>;
}
let world: World;
const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

beforeAll(async () => {
  using authority = createAuthority("peer");
  const server = authority.issue("IP:127.0.0.1");
  const client = authority.issue("DNS:client", { usage: "clientAuth" });
  const plain = resources.use(await peerOrigin({ key: peerKey }));
  const tls = resources.use(
    await peerOrigin({ tls: { ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: false } }),
  );
  const folder = await mkdtemp(join(tmpdir(), "holdfast-convert-"));
  resources.defer(() => rm(folder, { recursive: true }));
  const [given, run, state] = [join(folder, "given.yaml"), join(folder, "run"), join(folder, "state.db")];
  await mkdir(run);
  const documents = peerFiles.flatMap((file) => peerDocuments(peerText(file, plain.url, tls.url)));
  await writeFile(given, documents.map((one) => stringify(one)).join("---\n"));
  const converted = await holdfast(["convert", "-f", given]);
  await writeFile(join(run, "manifests.yaml"), converted.stdout);
  const secret = (namespace: string, name: string, stringData: object): object => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    stringData,
  });
  const secrets = ["default", "vault"].flatMap((namespace) => [
    secret(namespace, "service", { key: peerKey }),
    secret(namespace, "session-key", { key: peerKey }),
    secret(namespace, "root-key", { key: peerKey }),
    secret(namespace, "root-user", { name: "root" }),
    secret(namespace, "phrases", { ada: phrase }),
    secret(namespace, "authorities", { "ca.crt": authority.ca }),
    secret(namespace, "client", { "tls.crt": client.cert, "tls.key": client.key }),
  ]);
  await writeFile(join(run, "secrets.yaml"), secrets.map((one) => stringify(one)).join("---\n"));
  const running = resources.use(ending(start(["run", "-f", run, "--data", state])));

  let objects: World["objects"] = new Map();
  await until(
    "all to be done",
    async () => {
      const { stdout } = await holdfast(["get", "--data", state, "-o", "json"]);
      objects = objectsIn(stdout);
      return (
        objects.size === 31 &&
        [...objects].every(([name, { reason }]) =>
          name === failing ? triesOf(plain) === 3 && reason !== "Sending" : done.includes(reason),
        )
      );
    },
    longMs,
  );
  const { stdout: kept } = await holdfast(["outputs", "--data", state, "-o", "json", "--show-secrets"]);
  // Whoever needs a token to be deleted goes before whoever has it: the Secret goes with that one.
  const session = converted.stdout.split("---\n").find((one) => one.includes("name: composed-session"));
  await writeFile(join(run, "session.yaml"), session ?? "");
  await rm(join(run, "manifests.yaml"));
  await until("all to be gone", () => plain.objects.size === 0 && tls.objects.size === 0, longMs);
  running.kill("SIGTERM");
  await running.ended;
  world = { plain, tls, converted, objects, outputs: outputsIn(kept) };
}, 4 * longMs);

test("nothing of them is left untranslated", () => {
  expect(world.converted.code).toBe(0);
  expect(world.converted.stderr).toContain("31 objects: ");
  expect(world.converted.stderr).not.toContain("HARD  ");
  expect(world.converted.stderr).toContain("status: none was given, so it is sent, even if it has been sent there");
  expect(world.objects.size).toBe(31);
});

test("each is Ready, but for the one that always failed", () => {
  const reasons = [...world.objects].map(([name, { reason }]) => `${name} ${reason}`);
  const others = reasons.filter((one) => !done.includes(one.split(" ").at(-1) ?? ""));
  expect(others).toEqual([`${failing} UnexpectedStatus`]);
});

test("each was created once and deleted once", () => {
  const creates = [...world.plain.requests, ...world.tls.requests].filter(
    ({ method, url }) => method === "POST" && /\/(members|spaces|pieces)$/.test(url),
  );
  expect(creates).toHaveLength(13); // five members there, a space, four members and three pieces over TLS
  const deletes = [...world.plain.requests, ...world.tls.requests].filter(({ method }) => method === "DELETE");
  expect(new Set(deletes.map(({ url }) => url)).size).toBeGreaterThanOrEqual(7);
  expect(deletes).toHaveLength(13);
  expect(world.plain.requests.filter(({ method }) => method === "PUT")).toEqual([]);
});

test("what was sent is what would have been sent there", () => {
  const member = world.plain.requests.find(({ method, body }) => method === "POST" && body.includes("ada@"));
  expect(JSON.parse(member?.body ?? "")).toEqual({ nick: "ada", mail: "ada@example.org", floor: 30, phrase: `open ${phrase}` });
  expect(member?.headers).toMatchObject({
    authorization: `Bearer ${peerKey}`,
    "content-type": "application/json",
    "x-only-with-create": "one-more",
  });
  expect(triesOf(world.plain)).toBe(3);
  expect(world.plain.requests.filter(({ method, url }) => method === "POST" && url === "/api/sessions")).toHaveLength(3);
});

test("Secrets hold what was taken of the answers", () => {
  expect(world.outputs.get("member-facts")).toEqual({ mail: "ada@example.org", stamp: "of today" });
  expect(world.outputs.get("member-phrase")).toEqual({ phrase: `open ${phrase}`, floor: "30" });
  expect(world.outputs.get("message-facts")).toEqual({ state: "posted", number: "123" });
  expect(world.outputs.get("session-token")).toEqual({ token: peerKey });
});

/** Of the one that always fails, and is given up after the third. */
function triesOf(origin: PeerOrigin): number {
  return countOf(origin, "POST", "/api/failures");
}
function countOf({ requests }: PeerOrigin, method: string, url: string): number {
  return requests.filter((one) => one.method === method && one.url === url).length;
}

interface Listed {
  readonly items: readonly {
    readonly kind: string;
    readonly metadata: { readonly namespace: string; readonly name: string };
    readonly status?: Readonly<Record<string, unknown>>;
    readonly data?: Readonly<Record<string, string>>;
  }[];
}
function objectsIn(text: string): World["objects"] {
  if (text === "") return new Map(); // nothing is known yet
  const { items } = JSON.parse(text) as Listed;
  return new Map(
    items.map(({ kind, metadata, status = {} }) => {
      const conditions = (status["conditions"] ?? []) as readonly { readonly type: string; readonly reason: string }[];
      return [
        `${kind} ${metadata.namespace}/${metadata.name}`,
        { reason: conditions.find(({ type }) => type === "Ready")?.reason ?? "", status },
      ];
    }),
  );
}
function outputsIn(text: string): World["outputs"] {
  const { items } = JSON.parse(text) as Listed;
  const decoded = (data: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
  return new Map(items.map(({ metadata, data }) => [metadata.name, decoded(data)]));
}
