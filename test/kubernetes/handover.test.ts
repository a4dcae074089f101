/**
 * The script of `holdfast convert --handover`, on a real API server, with a kubectl that fails in the middle of each step, before or
 * after it was heard, and a Holdfast that is killed while it looks: the server of the remote objects is asked and never told
 * anything, and every Secret is there, whichever way it goes.
 */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { controlPlaneBinaries } from "../support/control-plane.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { inSoak, until } from "../support/fault-world.ts";
import { holdfast } from "../support/holdfast.ts";
import { installPeerCRDs } from "../support/peer-crds.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import { runProgram } from "../support/run-program.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const group = "http.m.crossplane.io";
const managed = inSoak(4, 200);
const names = Array.from({ length: managed }, (_, index) => `member-${index}`);
const longMs = inSoak(120_000, 1_200_000);

interface Got {
  readonly metadata: {
    readonly uid: string;
    readonly ownerReferences?: readonly object[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly reason: string }[] };
}

describeWithControlPlane("handing over", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  let folder: string;
  let script: string;
  let bash: string;
  let process: HoldfastProcess;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  /** Fails at the call after `calls`, as a connection that breaks: before it was heard or, if `lost`, after. Undefined: never. */
  async function step(
    name: string,
    calls?: number,
    lost = false,
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    await writeFile(join(folder, "calls"), "");
    const env = {
      ...globalThis.process.env,
      CALLS: String(calls ?? 1_000_000),
      LOST: lost ? "yes" : "no",
      KUBECONFIG: plane.kubeconfigs.admin,
      HOLDFAST: "holdfast",
      PATH: `${folder}:${globalThis.process.env["PATH"] ?? ""}`,
    };
    return runProgram(bash, [script, name], { cwd: folder, env });
  }
  /** Broken off at the beginning, in the middle, and then done; a step that is done can be done again. */
  async function throughCrashes(name: string): Promise<void> {
    expect(await step(name, 0)).toMatchObject({ code: name === "undo" ? expect.any(Number) : 1 });
    for (const calls of [1, 2, 3, 7]) await step(name, calls, calls % 2 === 1);
    for (const _ of [1, 2]) expect(await step(name)).toMatchObject({ code: 0 });
  }
  const get = async (resource: string, name: string): Promise<Got | undefined> => {
    const core =
      resource === "secrets"
        ? "/api/v1"
        : resource.startsWith("http")
          ? "/apis/holdfast.dev/v1alpha1"
          : `/apis/${group}/v1alpha2`;
    const { status, body } = await plane.admin("GET", `${core}/namespaces/${namespace}/${resource}/${name}`);
    return status === 200 ? (body as Got) : undefined;
  };
  const told = (): readonly string[] =>
    origin.requests.filter(({ method }) => method !== "GET").map(({ method, url }) => `${method} ${url}`);
  const ownerOf = async (secret: string): Promise<unknown> => (await get("secrets", secret))?.metadata.ownerReferences?.[0];

  beforeAll(async () => {
    namespace = await plane.createNamespace("handover");
    origin = stack.use(await peerOrigin());
    folder = await mkdtemp(join(tmpdir(), "holdfast-handover-"));
    stack.defer(() => rm(folder, { recursive: true }));
    await installPeerCRDs(plane);
    for (const name of names) await makeMember(name);
    await makeMessage();

    const live = await plane.kubectl("get", "-n", namespace, "-o", "yaml", `requests.${group},disposablerequests.${group}`);
    await writeFile(join(folder, "live.yaml"), live.stdout);
    const { code, stdout, stderr } = await holdfast(["convert", "--handover", "-f", join(folder, "live.yaml")]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    script = join(folder, "handover.sh");
    await writeFile(script, stdout);
    // The one that runs the script is to run its parts, too: what PATH has may be older, or none.
    bash = (await runProgram("sh", ["-c", "command -v bash"], { cwd: folder })).output.trim();
    await writeFile(join(folder, "bash"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
    // Several of them run at once: each adds a line, and fails where there are too many by then.
    const real = `${join(await controlPlaneBinaries(), "kubectl")} --cache-dir ${folder}/cache`;
    const wrapper = `#!/bin/sh
echo >> ${folder}/calls
[ "$(wc -l < ${folder}/calls)" -le "$CALLS" ] || { echo "broken off" >&2; [ $LOST = no ] || ${real} "$@"; exit 1; }
exec ${real} "$@"
`;
    await writeFile(join(folder, "kubectl"), wrapper);
    await chmod(join(folder, "kubectl"), 0o755);
    process = stack.use(await start());
  }, longMs);

  const start = (): Promise<HoldfastProcess> =>
    startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]);
  /** Reasons of all of them. */
  const reasons = async (): Promise<readonly (string | undefined)[]> =>
    (await Promise.all(names.map((name) => get("httpresources", name)))).map(readyReason);

  async function makeMember(name: string): Promise<void> {
    const fields = { nick: name, mail: `${name}@example.org` };
    const answer = await fetch(`${origin.url}/api/members`, { method: "POST", body: JSON.stringify(fields) });
    const body = await answer.text();
    const url = '.payload.baseUrl + "/" + (.response.body.id | tostring)';
    const sent = "{nick: .payload.body.nick, mail: .payload.body.mail}";
    const forProvider = {
      payload: { baseUrl: `${origin.url}/api/members`, body: JSON.stringify(fields) },
      mappings: [
        { action: "CREATE", url: ".payload.baseUrl", body: sent },
        { action: "OBSERVE", url },
        { action: "UPDATE", url, body: sent },
        { action: "REMOVE", url },
      ],
      secretInjectionConfigs: [
        {
          secretRef: { name: `${name}-facts`, namespace },
          keyMappings: [{ secretKey: "stamp", responseJQ: '.headers."X-Stamp"[0]' }],
          setOwnerReference: true,
        },
      ],
    };
    const status = { response: { statusCode: 201, body }, requestDetails: { method: "POST", url: "" } };
    const made = await makePeer("Request", name, forProvider, status);
    const owner = { apiVersion: `${group}/v1alpha2`, kind: "Request", name, uid: made, controller: true };
    await plane.apply(
      stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: `${name}-facts`, namespace, ownerReferences: [owner] },
        stringData: { stamp: "of today" },
      }),
    );
  }
  async function makeMessage(): Promise<void> {
    await makePeer(
      "DisposableRequest",
      "message",
      { url: `${origin.url}/api/messages`, method: "POST", body: "{}" },
      { synced: true, response: { statusCode: 201, body: "" } },
    );
  }
  async function makePeer(kind: string, name: string, forProvider: object, status: object): Promise<string> {
    const metadata = { name, namespace, finalizers: ["finalizer.managedresource.crossplane.io"] };
    const manifest = { apiVersion: `${group}/v1alpha2`, kind, metadata, spec: { forProvider, managementPolicies: ["*"] } };
    await plane.apply(JSON.stringify(manifest));
    const path = `/apis/${group}/v1alpha2/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
    await plane.adminPatch(`${path}/status`, { status });
    return (await get(`${kind.toLowerCase()}s`, name))?.metadata.uid ?? "";
  }

  test(
    "goes forth and back, and forth again, and only asks",
    async () => {
      const before = told().length;
      expect(await step("check")).toMatchObject({ code: 0 });
      for (const name of ["apply", "pause", "secrets"]) await throughCrashes(name);
      expect(origin.requests).toHaveLength(before); // each member was made once, and nothing else was asked
      expect((await get("requests", "member-0"))?.spec).toMatchObject({ managementPolicies: ["Observe"] });
      expect(await ownerOf("member-0-facts")).toMatchObject({ kind: "HTTPResource", name: "member-0", controller: true });

      const looking = step("observe");
      await until("one is taken over", async () => (await reasons()).includes("Adopted"), longMs);
      process.kill("SIGKILL");
      await process.exited;
      process = stack.use(await start());
      await looking;
      await throughCrashes("observe");
      await until("all are taken over", async () => (await reasons()).every((one) => one === "Adopted"), longMs);
      await throughCrashes("correct");
      expect(readyReason(await get("httprequests", "message"))).toBe("AssumedDone");

      await throughCrashes("undo");
      for (const name of names) {
        expect(await get("httpresources", name)).toBeUndefined();
        expect(await ownerOf(`${name}-facts`)).toMatchObject({ kind: "Request", name });
        expect(await get("requests", name)).toMatchObject({ spec: { managementPolicies: ["*"] } });
        expect((await get("requests", name))?.metadata.annotations?.["crossplane.io/paused"]).toBeUndefined();
      }

      for (const name of ["apply", "pause", "secrets", "observe", "correct"]) expect(await step(name)).toMatchObject({ code: 0 });
      await throughCrashes("finish");
      for (const name of names) {
        const old = await get("requests", name);
        expect(old?.metadata).toMatchObject({ deletionTimestamp: expect.any(String) }); // its finalizer is the provider's to take off
        expect(old?.metadata.annotations?.["crossplane.io/paused"]).toBeUndefined();
        expect(await ownerOf(`${name}-facts`)).toMatchObject({ kind: "HTTPResource", name });
      }
      expect(told()).toHaveLength(before);
      expect(origin.objects.size).toBe(managed);
    },
    4 * longMs,
  );
});

function readyReason(object: Got | undefined): string | undefined {
  const conditions = object?.status?.conditions ?? [];
  return conditions.find(({ type }) => type === "Ready")?.reason;
}
