/** Attacks that are made of objects, on a real API server: what is refused there, and what a controller does with the rest. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { objectName } from "../../src/api/fields.ts";
import type { Schema } from "../../src/api/schema.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { rawServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const canary = "canary-of-the-victim";
/** Every field of a schema, by its path. */
function fieldsOf(schema: Schema, path = "spec"): readonly (readonly [string, Schema])[] {
  const below =
    !("type" in schema) || schema.type === undefined
      ? []
      : schema.type === "array"
        ? fieldsOf(schema.items, `${path}[]`)
        : schema.type !== "object"
          ? []
          : "properties" in schema
            ? Object.entries(schema.properties).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`))
            : fieldsOf(schema.additionalProperties, `${path}.*`);
  return [[path, schema], ...below];
}
const tenantFields = definitions
  .filter(({ scope }) => scope === "Namespaced")
  .flatMap(({ kind, spec }) => fieldsOf(spec).map(([path, schema]) => ({ at: `${kind} ${path}`, schema })));

describeWithControlPlane("a tenant", (plane) => {
  const started = new AsyncDisposableStack();
  let namespaces: Readonly<Record<"attacker" | "victim", string>>;
  let origin: FaultOrigin;
  let attacker: DeclaredRequests;
  let controller: HoldfastProcess;

  const secret = async (namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<void> => {
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    const body = { metadata: { name }, data: Object.fromEntries(encoded) as object };
    expect((await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, body)).status).toBe(201);
  };
  /** What the API server answers, and to what of it it objects. */
  async function declare(plural: string, name: string, spec: object): Promise<readonly [number, string]> {
    const path = `/apis/holdfast.dev/v1alpha1/namespaces/${namespaces.attacker}/${plural}`;
    const { status, body } = await plane.admin("POST", path, { ...object(plural, name), spec });
    return [status, (body as { message?: string }).message ?? ""];
  }
  function object(plural: string, name: string): object {
    const kind = definitions.find((definition) => definition.plural === plural)?.kind;
    return { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name } };
  }
  /** What came of it; an endpoint that has just been made is not known at once. */
  const ended = async (name: string): Promise<readonly [string, string]> => {
    const all = await attacker.until(
      `${name} has ended`,
      (seen) => !/^$|Sending|Retrying|EndpointNotFound/.test(stateOf(seen.get(name))),
    );
    const ready = all.get(name)?.status?.conditions?.find(({ type }) => type === "Ready");
    return [stateOf(all.get(name)), ready?.message ?? ""];
  };

  beforeAll(async () => {
    namespaces = { attacker: await plane.createNamespace("attacker"), victim: await plane.createNamespace("victim") };
    origin = started.use(await startFaultOrigin());
    await secret(namespaces.victim, "hook", { token: canary });
    // This controller's user may read every Secret of the cluster: it is not the API server that keeps the tenants apart.
    const watched = ["--namespace", `${namespaces.attacker},${namespaces.victim}`];
    controller = started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...watched]));
    attacker = declaredRequests(plane, namespaces.attacker);
  });
  afterAll(() => started.disposeAsync());

  test("attack 3: names nothing by a text that could be more than one segment of a path of the Kubernetes API", async () => {
    const references = tenantFields.filter(({ at }) =>
      /(Ref|secret|configMap|dependsOn\[\])\.name$|serviceAccountName$/.test(at),
    );
    expect(references.length).toBeGreaterThan(20);
    for (const { at, schema } of references)
      expect({ at, schema }).toMatchObject({ at, schema: { pattern: objectName.pattern } });

    const key = (name: string): object => ({ secretKeyRef: { name, key: "token" } });
    const places: Readonly<Record<string, (name: string) => readonly [string, object]>> = {
      input: (name) => ["httprequests", { url: origin.url, inputs: { a: key(name) } }],
      object: (name) => ["httprequests", { url: origin.url, dependsOn: [{ kind: "HTTPRequest", name }] }],
      endpoint: (name) => ["httprequests", { endpointRef: { name }, path: "/" }],
      account: (name) => ["httprequests", { url: origin.url, serviceAccountName: name }],
      output: (name) => ["httprequests", { url: origin.url, outputs: [{ secret: { name }, data: { a: "1" } }] }],
      body: (name) => ["httprequests", { url: origin.url, body: key(name) }],
      credential: (name) => ["httpendpoints", { baseURL: origin.url, auth: { bearer: { token: key(name) } } }],
      create: (name) => ["httpresources", { create: { url: origin.url, body: key(name) } }],
    };
    const names = [
      `../../${namespaces.victim}/secrets/hook`,
      "..",
      "hook?x=",
      "hook/",
      "hook%2f..",
      "${ .metadata.name }",
      "a\n",
      "",
    ];
    for (const [place, spec] of Object.entries(places))
      for (const name of names)
        expect({ place, name, status: (await declare(spec(name)[0], "named", spec(name)[1]))[0] }).toEqual({
          place,
          name,
          status: 422,
        });
    expect((await declare("httprequests", "well-named", { url: `${origin.url}/ok`, inputs: {} }))[0]).toBe(201);
    await ended("well-named");
    const paths = (await plane.auditEvents()).filter(({ user }) => user === "holdfast").map(({ uri }) => uri.split("?")[0] ?? "");
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !/^(\/[a-z0-9]([a-z0-9.:-]*[a-z0-9])?)+$/.test(path))).toEqual([]);
  });

  test("wish 13, attack 4: names no namespace, and is given nothing of another's by a name that exists there", async () => {
    expect(tenantFields.filter(({ at }) => /namespace/i.test(at)).map(({ at }) => at)).toEqual([]);
    const spec = { url: `${origin.url}/stolen`, headers: [{ name: "x-token", value: "${ .inputs.a }" }] };
    const elsewhere = { namespace: namespaces.victim, name: "hook", key: "token" };
    await attacker.create("stolen", { ...spec, inputs: { a: { secretKeyRef: elsewhere } } });
    expect(await ended("stolen")).toEqual(["NotReady/SecretNotFound", expect.stringContaining('there is no Secret "hook"')]);
    await declare("httpendpoints", "theirs", { baseURL: origin.url, auth: { bearer: { token: { secretKeyRef: elsewhere } } } });
    await attacker.create("by-endpoint", { endpointRef: { name: "theirs", namespace: namespaces.victim }, path: "/stolen" });
    expect((await ended("by-endpoint"))[0]).toMatch(/SecretNotFound|EndpointNot/);
    expect(origin.count("/stolen")).toBe(0);
    const reads = (await plane.auditEvents()).filter(
      ({ user, namespace, resource, verb }) =>
        user === "holdfast" && namespace === namespaces.victim && resource === "secrets" && verb === "get",
    );
    expect(reads).toEqual([]);
  });

  test("attack 8: sends no empty credential: what is empty in a Secret is refused, wherever it would go", async () => {
    await secret(namespaces.attacker, "empty", { nothing: "", space: " ", newline: "\n", good: "good-value-of-a-key" });
    for (const account of ["", " "])
      expect((await declare("httprequests", "nobody", { url: origin.url, serviceAccountName: account }))[0]).toBe(422);
    const of = (key: string): object => ({ secretKeyRef: { name: "empty", key } });
    const tokenURL = `${origin.url}/token`;
    const auths = (key: string): Readonly<Record<string, object>> => ({
      user: { basic: { username: of(key), password: of("good") } },
      password: { basic: { username: { value: "u" }, password: of(key) } },
      bearer: { bearer: { token: of(key) } },
      field: { apiKey: { name: "X-Key", value: of(key) } },
      query: { apiKey: { in: "Query", name: "key", value: of(key) } },
      client: { oauth2: { tokenURL, clientID: of(key), clientSecret: of("good") } },
      "client-secret": { oauth2: { tokenURL, clientID: { value: "c" }, clientSecret: of(key) } },
      "client-key": { oauth2: { tokenURL, clientID: { value: "c" }, privateKeyJWT: { key: of(key) } } },
      aws: { awsSigV4: { region: "r", service: "s", accessKeyID: { value: "a" }, secretAccessKey: of(key) } },
      session: {
        awsSigV4: { region: "r", service: "s", accessKeyID: { value: "a" }, secretAccessKey: of("good"), sessionToken: of(key) },
      },
    });
    const names: string[] = [];
    for (const key of ["nothing", "space", "newline"])
      for (const [kind, auth] of Object.entries(auths(key))) {
        const name = `${kind}-${key}`;
        names.push(name);
        expect(await declare("httpendpoints", name, { baseURL: origin.url, auth })).toEqual([201, ""]);
        await attacker.create(name, { endpointRef: { name }, path: "/empty" });
      }
    await attacker.create("input-nothing", {
      url: `${origin.url}/empty`,
      headers: [{ name: "Authorization", value: "Bearer ${ .inputs.token }" }],
      inputs: { token: of("nothing") },
    });
    for (const name of names)
      expect({ name, state: (await ended(name))[0] }).toEqual({ name, state: "NotReady/InvalidCredential" });
    expect(await ended("input-nothing")).toEqual(["NotReady/InvalidCredential", expect.stringContaining("is empty")]);
    expect([origin.count("/empty"), origin.count("/token")]).toEqual([0, 0]);
  });

  test("attack 10: sets no field that speaks for the connection, and ends no line, at admission or once expressions are expanded", async () => {
    const url = `${origin.url}/smuggled`;
    const fields =
      "Host Content-Length transfer-encoding CONNECTION Keep-Alive Upgrade TE Trailer Expect Proxy-Connection Proxy-Authorization";
    const refused: (readonly [string, object])[] = [];
    for (const name of [...fields.split(" "), "a b", "a:", "a\r\nb", "é", ""]) {
      const headers = [{ name, value: "x" }];
      refused.push(["httprequests", { url, headers }]);
      refused.push(["httprequests", { url, poll: { headers } }]);
      refused.push(["httprequests", { url, idempotencyKey: { header: name } }]);
      refused.push(["httpendpoints", { baseURL: url, headers }]);
      refused.push(["httpresources", { observe: { url, headers } }]);
      refused.push([
        "httpendpoints",
        { baseURL: url, auth: { apiKey: { name, value: { secretKeyRef: { name: "a", key: "b" } } } } },
      ]);
    }
    const parts = (part: object): readonly [string, object] => [
      "httprequests",
      { url, method: "POST", body: { multipart: [part] } },
    ];
    for (const text of ['a"; x="', "a\r\nX: y", "a\nb", "a\0"]) {
      refused.push(parts({ name: text, value: "x" }), parts({ name: "a", filename: text, value: "x" }));
      refused.push(parts({ name: "a", contentType: `text/plain${text}`, value: "x" }));
    }
    for (const value of ["a\r\nX: y", "a\nb", "a\0"]) refused.push(["httprequests", { url, headers: [{ name: "a", value }] }]);
    for (const method of ["GET /x HTTP/1.1\r\nX: y", "get", "CONNECT", "TRACE", "TRACK", ""])
      refused.push(["httprequests", { url, method }]);
    for (const path of ["x", "?x", "http://b.example/", ""]) refused.push(["httprequests", { endpointRef: { name: "a" }, path }]);
    for (const [place, text] of Object.entries({
      user: "http://u:p@h/",
      name: "http://u@h/",
      fragment: "http://h/#x",
      scheme: "ftp://h/",
    }))
      refused.push(["httprequests", { url: text, inputs: { [place]: { value: 1 } } }]);
    for (const [plural, spec] of refused)
      expect({ spec, status: (await declare(plural, "smuggled", spec))[0] }).toEqual({ spec, status: 422 });

    await secret(namespaces.attacker, "lines", {
      crlf: "a\r\nX-Smuggled: 1",
      lf: "a\nb",
      nul: "a\0b",
      host: "h\r\nX: y",
      slash: "../../admin?x#y",
    });
    const inputs = (key: string): object => ({ a: { secretKeyRef: { name: "lines", key } } });
    for (const key of ["crlf", "lf", "nul"]) {
      await attacker.create(`header-${key}`, { url, headers: [{ name: "x-a", value: "${ .inputs.a }" }], inputs: inputs(key) });
      expect(await ended(`header-${key}`)).toEqual(["NotReady/InvalidRequest", expect.stringContaining("spec.headers[0].value")]);
    }
    await attacker.create("host", { url: "http://${ .inputs.a }/", inputs: inputs("host") });
    expect((await ended("host"))[0]).toBe("NotReady/InvalidURL");
    await attacker.create("segment", { url: `${url}/\${ .inputs.a }/end?q=\${ .inputs.a }`, inputs: inputs("slash") });
    expect((await ended("segment"))[0]).toBe("Ready/Succeeded");
    await attacker.create("part", {
      url: `${url}/part`,
      method: "POST",
      body: { multipart: [{ name: "a", value: "${ .inputs.a }" }] },
      inputs: inputs("crlf"),
    });
    expect((await ended("part"))[0]).toBe("Ready/Succeeded");
    const seen = origin.requests.filter(({ path }) => path.startsWith("/smuggled"));
    const encoded = encodeURIComponent("../../admin?x#y");
    expect(seen.map(({ path }) => path)).toEqual([`/smuggled/${encoded}/end?q=${encoded}`, "/smuggled/part"]);
    expect(seen.every(({ headers }) => headers["x-smuggled"] === undefined)).toBe(true);
    expect(seen[1]?.body.match(/^--holdfast-/gm)).toHaveLength(2); // what an input holds begins no part of its own
  });

  test("gains nothing by the names of JavaScript's own properties, in labels, inputs, parameters, bodies or what jq makes", async () => {
    const evil = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"hasOwnProperty":2,"toString":1}';
    const path = `/apis/holdfast.dev/v1alpha1/namespaces/${namespaces.attacker}/httprequests`;
    const text = JSON.stringify({
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPRequest",
      metadata: {
        name: "prototype",
        labels: { constructor: "a", toString: "b" },
        annotations: { constructor: "d" },
      },
      spec: {
        url: `${origin.url}/prototype`,
        method: "POST",
        inputs: { constructor: { value: 1 }, toString: { value: 2 }, hasOwnProperty: { value: 3 }, evil: { value: "EVIL" } },
        body: { json: { raw: "EVIL", made: "${ .inputs.evil | . + {valueOf: 3} }", all: "${ .inputs | del(.evil) }" } },
      },
    }).replaceAll('"EVIL"', evil);
    const reply = await plane.admin("POST", path, JSON.parse(text) as object);
    expect([reply.status, (reply.body as { message?: string }).message]).toEqual([201, undefined]);
    expect((await ended("prototype"))[0]).toBe("Ready/Succeeded");
    const { body = "" } = origin.requests.find((request) => request.path === "/prototype") ?? {};
    const sent = JSON.parse(body) as Readonly<Record<string, object>>;
    const expected = JSON.parse(evil) as object;
    expect(JSON.stringify(sent["raw"])).toBe(JSON.stringify(expected));
    expect(Object.keys(sent["made"] ?? {}).toSorted()).toEqual(
      ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"].toSorted(),
    );
    expect(sent["all"]).toEqual({ constructor: 1, toString: 2, hasOwnProperty: 3 });
    expect(await controller.probe("/healthz")).toMatchObject({ status: 200 });
  });

  test("shares no connection with another under --client-isolation=namespace", async () => {
    const byConnection = new Map<object, Set<string>>();
    const server = createServer((request, response) => {
      const seen = byConnection.get(request.socket) ?? new Set();
      byConnection.set(request.socket, seen.add(request.headers["x-namespace"] as string));
      response.end("{}");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const pair = [await plane.createNamespace("apart-a"), await plane.createNamespace("apart-b")];
    const args = ["--namespace", pair.join(","), "--client-isolation", "namespace", "--connections-per-origin", "1"];
    await using _apart = await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...args]);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const headers = [{ name: "x-namespace", value: "${ .metadata.namespace }" }];
    for (let index = 0; index < 4; index += 1)
      for (const namespace of pair) await declaredRequests(plane, namespace).create(`r-${index}`, { url, headers });
    for (const namespace of pair)
      await declaredRequests(plane, namespace).until("all are sent", (all) => all.size === 4 && [...all.values()].every(isReady));
    server.close();
    server.closeAllConnections();
    const namespacesOf = [...byConnection.values()].map((seen) => [...seen]);
    expect(namespacesOf.every((seen) => seen.length === 1)).toBe(true);
    expect(new Set(namespacesOf.flat())).toEqual(new Set(pair));
  });

  test("with hundreds of objects holds another's single one up by a turn, at a slow origin that they share", async () => {
    const arrived: string[] = [];
    const server = createServer((request, response) => {
      arrived.push(request.headers["x-namespace"] as string);
      setTimeout(() => response.end("{}"), 1_000);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const [many, one] = [await plane.createNamespace("many"), await plane.createNamespace("one")];
    await using _fair = await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", `${many},${one}`]);
    const spec = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      headers: [{ name: "x-namespace", value: "${ .metadata.namespace }" }],
    };
    const crowd = declaredRequests(plane, many);
    await Promise.all(Array.from({ length: 150 }, (_, index) => crowd.create(`m-${index}`, spec)));
    const before = arrived.length;
    expect(before).toBeLessThan(100); // else there is nothing to be held up by
    const single = declaredRequests(plane, one);
    await single.create("single", spec);
    await single.until("it is sent", (all) => isReady(all.get("single")));
    const behind = arrived.indexOf(one) - before;
    server.close();
    server.closeAllConnections();
    expect(behind).toBeLessThan(40); // those that had their place, and what is sent while the object is on its way
  });

  test("with many servers that do not answer leaves workers to others", async () => {
    let asked = 0;
    const silent = (): ReturnType<typeof rawServer> => rawServer((socket) => socket.on("data", () => void (asked += 1)));
    await using servers = new AsyncDisposableStack();
    const urls = (await Promise.all([silent(), silent(), silent(), silent()])).map((server) => servers.use(server).url);
    const [slow, quick] = [await plane.createNamespace("slow"), await plane.createNamespace("quick")];
    await using _shared = await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", `${slow},${quick}`]);
    const crowd = declaredRequests(plane, slow);
    await Promise.all(Array.from({ length: 60 }, (_, n) => crowd.create(`s-${n}`, { url: urls[n % 4], timeout: "50s" })));
    await crowd.until("it has all the workers that it gets", () => asked >= 15);
    const single = declaredRequests(plane, quick);
    await single.create("single", { url: `${origin.url}/quick` });
    await single.until("it is sent", (all) => isReady(all.get("single")), 40_000); // the others give up after 50 s
    await servers.disposeAsync(); // so that the controller need not wait for them
  });
});
