/** Refresh tokens that their server replaces: none is lost with the process that was given it, and none is asked for that could not be kept. */
import { expect, test } from "@jest/globals";
import { accepted } from "../support/accepted.ts";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, until, type FaultWorld } from "../support/fault-world.ts";
import { startRotatingTokens } from "../support/rotating-tokens.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const declared = "the-declared-refresh-token";

describeWithControlPlane("refresh tokens that are replaced", (plane) => {
  async function declare({ namespace, origin }: FaultWorld, tokenURL: string, refreshToken: object) {
    const root = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    await accepted(plane, "POST", secrets, { metadata: { name: "grant" }, stringData: { refresh: declared } });
    const secretKeyRef = { name: "grant", key: "refresh" };
    const oauth2 = { tokenURL, clientID: { value: "me" }, refreshToken: { secretKeyRef, ...refreshToken } };
    const endpoint = (name: string): object => ({
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPEndpoint",
      metadata: { name },
      spec: { baseURL: origin.url, auth: { oauth2 } },
    });
    return {
      secrets,
      create: (name: string) => accepted(plane, "POST", `${root}/httpendpoints`, endpoint(name)),
      conditions: async (name: string): Promise<string> => {
        const { body } = await plane.admin("GET", `${root}/httpendpoints/${name}`);
        const { status } = body as { status?: { conditions?: { type: string; reason: string; message: string }[] } };
        return (status?.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`).join("\n");
      },
    };
  }
  const by = (name: string): object => ({ endpointRef: { name }, method: "POST", path: "/orders" });

  test("a process that is killed leaves the latest to the next, in a Secret of its endpoint's own", async () => {
    await using world = await faultWorld(plane, "rotation");
    await using tokens = await startRotatingTokens(declared);
    const { secrets, create } = await declare(world, tokens.url, { keepIn: "kept" });
    await create("portal");
    const first = await world.start();
    await world.requests.create("before", by("portal"));
    await world.requests.until("it is ready", (all) => isReady(all.get("before")));
    const latest = tokens.latest;
    const kept = (await accepted(plane, "GET", `${secrets}/kept`)) as {
      data: Record<string, string>;
      metadata: { ownerReferences: { kind: string; name: string }[] };
    };
    expect(Buffer.from(kept.data["refreshToken"] ?? "", "base64").toString()).toBe(latest);
    expect(kept.metadata.ownerReferences).toMatchObject([{ kind: "HTTPEndpoint", name: "portal" }]);
    first.kill("SIGKILL");
    await first.exited;
    await using _ = await world.start();
    await world.requests.create("after", by("portal"));
    await world.requests.until("it is ready", (all) => isReady(all.get("after")), 60_000);
    expect([tokens.presented, tokens.isEnded]).toEqual([[declared, latest], false]);
    const shown = JSON.stringify([[...(await world.requests.all()).values()], first.log]);
    for (const secret of [declared, ...tokens.presented]) expect(shown).not.toContain(secret);
  });

  test("one of an admin's endpoint is kept in the namespace of its Secrets", async () => {
    await using world = await faultWorld(plane, "rotation");
    await using tokens = await startRotatingTokens(declared);
    const { secrets } = await declare(world, tokens.url, {});
    const name = `portal-${world.namespace}`;
    const refreshToken = { secretKeyRef: { name: "grant", key: "refresh" }, keepIn: "kept-for-all" };
    const oauth2 = { tokenURL: tokens.url, clientID: { value: "me" }, refreshToken };
    const allowedNamespaces = { from: "Names", names: [world.namespace] };
    const spec = { baseURL: world.origin.url, secretNamespace: world.namespace, allowedNamespaces, auth: { oauth2 } };
    const all = "/apis/holdfast.dev/v1alpha1/clusterhttpendpoints";
    const endpoint = { apiVersion: "holdfast.dev/v1alpha1", kind: "ClusterHTTPEndpoint", metadata: { name }, spec };
    await accepted(plane, "POST", all, endpoint);
    await using _removed = { [Symbol.asyncDispose]: async () => void (await accepted(plane, "DELETE", `${all}/${name}`)) };
    await using _ = await world.start();
    await world.requests.create("by-all", {
      endpointRef: { kind: "ClusterHTTPEndpoint", name },
      method: "POST",
      path: "/orders",
    });
    await world.requests.until("it is ready", (now) => isReady(now.get("by-all")), 60_000);
    const kept = (await accepted(plane, "GET", `${secrets}/kept-for-all`)) as { data: Record<string, string> };
    expect(Buffer.from(kept.data["refreshToken"] ?? "", "base64").toString()).toBe(tokens.latest);
  });

  test("where it is not said where to keep one, its endpoint says what may be lost", async () => {
    await using world = await faultWorld(plane, "rotation");
    await using tokens = await startRotatingTokens(declared);
    const { create, conditions } = await declare(world, tokens.url, {});
    await create("portal");
    await using _ = await world.start();
    await until("it is told", async () => (await conditions("portal")).includes("Suspicious NotKept: "), 60_000);
    expect(await conditions("portal")).toContain("in memory alone and lost with this process: set keepIn");
  });

  test("none is asked for where the Secret is somebody else's, until it is gone", async () => {
    await using world = await faultWorld(plane, "rotation");
    await using tokens = await startRotatingTokens(declared);
    const { secrets, create, conditions } = await declare(world, tokens.url, { keepIn: "taken" });
    await accepted(plane, "POST", secrets, { metadata: { name: "taken" }, stringData: { mine: "yes" } });
    await create("portal");
    await using _ = await world.start();
    await world.requests.create("waits", by("portal"));
    await world.requests.until("it is told", (all) => stateOf(all.get("waits")).includes("OutputConflict"));
    const why = 'spec.auth.oauth2.refreshToken.keepIn: Secret "taken" is there already';
    await until("its endpoint says why", async () => (await conditions("portal")).includes(why));
    expect(tokens.presented).toEqual([]);
    await accepted(plane, "DELETE", `${secrets}/taken`);
    await world.requests.until("it is sent", (all) => isReady(all.get("waits")), 90_000);
    expect(tokens.presented).toEqual([declared]);
  });
});
