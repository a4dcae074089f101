/** Servers that keep, show and take what they are sent in forms of their own. */
import { expect } from "@jest/globals";
import { collection, declared, itsURL, nothing, ready, type Thing } from "../collection.ts";
import type { RemoteCase } from "../remote-servers.ts";

type Form = (thing: Thing) => Thing;
const with_ =
  (name: string, change: (value: never) => unknown): Form =>
  (thing) =>
    name in thing ? { ...thing, [name]: change(thing[name] as never) } : thing;

const without =
  (name: string): Form =>
  (thing) =>
    Object.fromEntries(Object.entries(thing).filter(([key]) => key !== name));

/** What a server makes of what it is sent; the manifest's parameters; the place that differs then, and what makes both the same. */
const forms: readonly (readonly [string, Form, object, string, string])[] = [
  ["in lower case", with_("email", (text: string) => text.toLowerCase()), { email: "Ada@X.org" }, ".email", "ascii_downcase"],
  ["trimmed", with_("note", (text: string) => text.trim()), { note: " hi " }, ".note", "trim"],
  ["sorted", with_("roles", (all: string[]) => all.toSorted()), { roles: ["b", "a"] }, ".roles", "sort"],
  ["as a text", with_("size", String), { size: 5 }, ".size", "tostring"],
  ["as a number", with_("size", Number), { size: "5" }, ".size", "tostring"],
  ["rounded", with_("ratio", (n: number) => Math.round(n * 10) / 10), { ratio: 0.123 }, ".ratio", ". * 10 | round"],
  [
    "with milliseconds",
    with_("at", (text: string) => text.replace("Z", ".000Z")),
    { at: "2026-01-01T00:00:00Z" },
    ".at",
    'sub("\\\\.0+Z$"; "Z")',
  ],
  [
    "in words",
    with_("live", (on: boolean) => (on ? "enabled" : "disabled")),
    { live: true },
    ".live",
    '. == true or . == "enabled"',
  ],
  ["as a list of one", with_("tags", (tag: string) => [tag]), { tags: "a" }, ".tags", "[.] | flatten"],
  ["not at all where it is empty", without("labels"), { labels: {} }, ".labels", ". // {}"],
  ["with objects for names", with_("owner", (name: string) => ({ name, id: 9 })), { owner: "ops" }, ".owner", ".name? // ."],
  [
    "sorted by a key of its items",
    with_("rules", (all: { port: number }[]) => all.toSorted((a, b) => a.port - b.port)),
    { rules: [{ port: 443 }, { port: 80 }] },
    ".rules",
    "sort_by(.port)",
  ],
  [
    "below",
    with_("spec", (spec: Thing) => ({ ...spec, image: `docker.io/${String(spec["image"])}` })),
    { spec: { image: "a" } },
    ".spec.image",
    'ltrimstr("docker.io/")',
  ],
];

/** What a server adds or leaves out is no difference. */
const harmless: readonly (readonly [string, Form, object])[] = [
  ["defaults", (thing) => ({ ...thing, size: 1, status: { phase: "ok" } }), { name: "x" }],
  ["defaults in an object", with_("spec", (spec: Thing) => ({ ...spec, replicas: 1 })), { spec: { image: "a" } }],
  ["nothing for null", without("comment"), { name: "x", comment: "${ null }" }],
  ["null for nothing", (thing) => ({ ...thing, comment: null }), { name: "x" }],
  ["keys in another order", (thing) => Object.fromEntries(Object.entries(thing).toReversed()), { b: 1, a: { d: 1, c: 2 } }],
  ["1.0 for 1", (thing) => thing, { size: 1 }],
];

const text = (value: object) => ({
  observe: { url: "$URL/a" },
  create: { url: "$URL/a", method: "PUT", body: value },
  update: { url: "$URL/a", body: value },
  interval: "1s",
});
const holdsText =
  (type: string, keep: (text: string) => string): RemoteCase["server"] =>
  () => {
    let kept: string | undefined;
    return ({ method, text: sent }) => {
      if (method === "PUT") kept = keep(sent);
      return kept === undefined ? undefined : { headers: { "content-type": type }, body: kept };
    };
  };

const size = { json: { size: "${ .inputs.size | tonumber }" } };
const sized = declared(
  {},
  {
    inputs: { size: { configMapKeyRef: { name: "config", key: "size" } } },
    create: { url: "$URL/things", body: size },
    update: { url: itsURL, body: size },
  },
);
const rotating = (specOf: (password: string) => object): Pick<RemoteCase, "manifests" | "after"> => {
  const input = { inputs: { password: { secretKeyRef: { name: "pw", key: "password" } } } };
  const thing = { ...specOf("${ .inputs.password }"), ...input };
  return {
    manifests: { "HTTPResource/thing": thing, "Secret/pw": { password: "first-secret-word" } },
    after: { "HTTPResource/thing": thing, "Secret/pw": { password: "second-secret-word" } },
  };
};

export const oddSyncCases: readonly RemoteCase[] = [
  ...forms.flatMap(([how, keep, parameters, path, as]): RemoteCase[] => [
    {
      name: `what is kept ${how} is contested where nothing is said, at its place, and not sent for ever`,
      server: collection({ keep }),
      manifests: { "HTTPResource/thing": declared(parameters) },
      check({ sent, state, message }) {
        expect(sent("PUT").length).toBeGreaterThanOrEqual(2);
        expect(sent("PUT").length).toBeLessThanOrEqual(5);
        expect(state("thing")).toBe("False/NotHeld Contested");
        expect(message("thing")).toContain(path);
      },
    },
    {
      name: `what is kept ${how} is as declared by ${as}`,
      server: collection({ keep }),
      manifests: { "HTTPResource/thing": declared(parameters, { compare: [{ path, as }] }) },
      check({ sent, state }) {
        expect(sent("PUT")).toEqual([]);
        expect(ready(state("thing"))).toBe("True");
      },
    },
  ]),
  ...harmless.map(([what, show, parameters]): RemoteCase => ({
    name: `a server that shows ${what} has what is declared`,
    server: collection({ show }),
    manifests: {
      "HTTPResource/thing": declared(parameters, {
        update: { url: itsURL, body: { json: parameters } },
        create: { url: "$URL/things", body: { json: parameters } },
      }),
    },
    check({ sent, state }) {
      expect([sent("POST").length, sent("PUT")]).toEqual([1, []]);
      expect(ready(state("thing"))).toBe("True");
    },
  })),
  {
    name: "defaults in the items of a list are no difference",
    server: collection({ keep: with_("rules", (all: object[]) => all.map((rule) => ({ protocol: "tcp", ...rule }))) }),
    manifests: { "HTTPResource/thing": declared({ rules: [{ port: 80 }, { port: 443 }] }) },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual([]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "an item that is declared no more is sent for",
    server: collection(),
    manifests: { "HTTPResource/thing": declared({ tags: ["a", "b"] }) },
    after: { "HTTPResource/thing": declared({ tags: ["a"] }) },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(['{"tags":["a"]}']);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "what is contested ends when something else is declared",
    server: collection({ keep: with_("size", (size: number) => Math.min(size, 64)) }),
    manifests: { "HTTPResource/thing": declared({ size: 100 }) },
    after: { "HTTPResource/thing": declared({ size: 32 }) },
    check({ bodies, state }) {
      expect(bodies("PUT").at(-1)).toBe('{"size":32}');
      expect(state("thing")).toBe("True/Updated");
    },
  },
  {
    name: "another header of update is another update, and is sent once",
    server: collection(),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { update: { url: itsURL, headers: [{ name: "X-Reason", value: "y" }], body: { json: "${ .parameters }" } } },
      ),
    },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual(["PUT /things/1 200"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "what another expects of the same answer, and how it is observed, is no other update",
    server: collection(),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          interval: "2s",
          retry: { limit: 5 },
          observe: { url: itsURL, expect: { status: ["200"] } },
          update: { url: itsURL, body: { json: "${ .parameters }" }, expect: { status: ["200"] } },
        },
      ),
    },
    check({ sent }) {
      expect(sent("PUT")).toEqual([]);
    },
  },
  {
    name: "a ConfigMap's value that changes is sent",
    server: collection(),
    manifests: { "ConfigMap/config": { size: "1" }, "HTTPResource/thing": sized },
    after: { "ConfigMap/config": { size: "2" }, "HTTPResource/thing": sized },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(['{"size":2}']);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  ...(["form", "text", "json", "header"] as const).map((where): RemoteCase => {
    const password = "${ .inputs.password }";
    const body = {
      form: {
        form: [
          { name: "name", value: "x" },
          { name: "password", value: password },
        ],
      },
      text: { text: `password=${password}\n` },
      json: { json: { name: "x", auth: { users: [{ name: "a", password: `hash:${password}` }] } } },
      header: { json: { name: "x" } },
    }[where];
    const headers = where === "header" ? [{ name: "X-Password", value: password }] : [];
    const resource = {
      inputs: { password: { secretKeyRef: { name: "pw", key: "password" } } },
      externalID: ".metadata.name",
      observe: { url: itsURL },
      create: { url: itsURL, method: "PUT", headers, body },
      update: { url: itsURL, headers, body },
      interval: "1s",
    };
    return {
      name: `a password of a ${where} that rotates while the server is down arrives once it is up again, once`,
      server: () => {
        let refusals = 0;
        let there = false;
        let isSecond = false;
        return ({ method, text, headers }) => {
          const sent = text + String(headers["x-password"] ?? "");
          if (method === "PUT" && sent.includes("second") && (refusals += 1) <= 2) return { status: 503 };
          if (method === "PUT") [there, isSecond] = [true, sent.includes("second")];
          return there ? { body: { name: "x", auth: { users: [{ name: "a" }] }, isSecond } } : undefined;
        };
      },
      manifests: { "HTTPResource/thing": resource, "Secret/pw": { password: "first-secret-word" } },
      after: { "HTTPResource/thing": resource, "Secret/pw": { password: "second-secret-word" } },
      check({ sent, state }) {
        expect(sent("PUT").map((line) => line.split(" ").at(-1))).toEqual(["200", "503", "503", "200"]);
        expect(ready(state("thing"))).toBe("True");
      },
    };
  }),
  {
    name: "a password that rotates while the work of the create goes on is sent when it has ended, once",
    server: () => {
      let there: Thing | undefined;
      let madeAt = Infinity;
      return ({ method, path, body }, seconds) => {
        if (path === "/jobs/1") return { status: seconds < madeAt + 10 ? 202 : 200, body: { id: 1 } };
        if (method === "POST") {
          madeAt = seconds;
          there = { id: 1, name: body["name"] };
          return { status: 202, headers: { location: "/jobs/1" } };
        }
        return there && { body: there };
      };
    },
    ...rotating((password) =>
      declared(
        { name: "x" },
        {
          create: { url: "$URL/things", body: { json: { name: "x", password } }, poll: { interval: "500ms" } },
          update: { url: itsURL, body: { json: { name: "x", password } } },
        },
      ),
    ),
    check({ bodies, sent, state }) {
      expect([sent("POST").length, bodies("PUT")]).toEqual([1, ['{"name":"x","password":"second-secret-word"}']]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a form with a name that repeats is compared as a list",
    server: () => {
      let kept: Thing | undefined;
      return ({ method, text: sent }) => {
        const form = new URLSearchParams(sent);
        if (method === "PUT") kept = { name: form.get("name"), tags: form.getAll("tags"), live: form.get("live") === "true" };
        return kept && { body: kept };
      };
    },
    manifests: {
      "HTTPResource/thing": text({
        form: [
          { name: "name", value: "x" },
          { name: "tags", value: "a" },
          { name: "tags", value: "b" },
          { name: "live", value: "true" },
        ],
      }),
    },
    check({ sent, state }) {
      expect(sent("PUT")).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a text is compared with XML as it stands",
    server: holdsText("application/xml", (sent) => sent),
    manifests: { "HTTPResource/thing": text({ text: "<a><b>1</b></a>" }) },
    after: { "HTTPResource/thing": text({ text: "<a><b>2</b></a>" }) },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(["<a><b>1</b></a>", "<a><b>2</b></a>"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "JSON that is sent as text is compared as JSON",
    server: holdsText("application/json", (sent) => JSON.stringify({ added: 1, ...(JSON.parse(sent) as object) }, undefined, 2)),
    manifests: { "HTTPResource/thing": text({ text: '{"a": [1, 2],  "b": null}' }) },
    check({ sent, state }) {
      expect(sent("PUT")).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a text whose end the server trims is not sent for ever",
    server: holdsText("text/plain", (sent) => sent.trim()),
    manifests: { "HTTPResource/thing": text({ text: "a\nb\n" }) },
    check({ sent, state }) {
      expect(sent("PUT").length).toBeLessThanOrEqual(6);
      expect(state("thing")).toBe("False/NotHeld Contested");
    },
  },
  {
    name: "YAML that is formatted anew can be said to be as declared",
    server: holdsText("application/yaml", (sent) => sent.replace(/: +/g, ":   ")),
    manifests: {
      "HTTPResource/thing": {
        ...text({ text: "a: 1\n" }),
        upToDate: '.response.text | test("^a: +1$"; "x") or contains("a:   1")',
      },
    },
    check({ sent, state }) {
      expect(sent("PUT")).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "what is only seen by HEAD is sent when it is declared anew",
    server: () => {
      let kept: string | undefined;
      return ({ method, text: sent }) => {
        if (method === "PUT") kept = sent;
        return kept === undefined ? undefined : method === "HEAD" ? { status: 200 } : { status: 204 };
      };
    },
    manifests: { "HTTPResource/thing": { ...text({ json: { a: 1 } }), observe: { url: "$URL/a", method: "HEAD" } } },
    after: { "HTTPResource/thing": { ...text({ json: { a: 2 } }), observe: { url: "$URL/a", method: "HEAD" } } },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(['{"a":1}', '{"a":2}']);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  ...(["form", "text", "json"] as const).map((how): RemoteCase => ({
    name: `a ${how} that was there already and is only seen by HEAD is sent once, and is Ready then`,
    server: () => () => ({ status: 200 }),
    manifests: {
      "HTTPResource/thing": {
        ...text({ form: { form: [{ name: "a", value: "b" }] }, text: { text: "b" }, json: { json: { a: "b" } } }[how]),
        observe: { url: "$URL/a", method: "HEAD" },
      },
    },
    check({ sent, state }) {
      expect([sent("PUT").length, ready(state("thing"))]).toEqual([1, "True"]);
    },
  })),
  {
    name: "an object that is only seen by 204 is sent when it is declared anew",
    server: () => {
      let kept: string | undefined;
      return ({ method, text: sent }) => {
        if (method === "PUT") kept = sent;
        return kept === undefined ? undefined : { status: 204 };
      };
    },
    manifests: { "HTTPResource/thing": text({ json: { a: 1 } }) },
    after: { "HTTPResource/thing": text({ json: { a: 2 } }) },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(['{"a":1}', '{"a":2}']);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a merge patch takes away what is declared no more",
    server: collection(),
    manifests: {
      "HTTPResource/thing": declared({ a: 1, b: 2 }, { update: { url: itsURL, body: { mergePatch: { a: 1, b: 2 } } } }),
    },
    after: { "HTTPResource/thing": declared({ a: 1 }, { update: { url: itsURL, body: { mergePatch: { a: 1 } } } }) },
    check({ sent, state }) {
      expect([sent("POST").length, sent("PUT")]).toEqual([1, []]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "JSON:API wraps both ways, and drift is put right once",
    server: collection({
      keep: (body) => (body["data"] as { readonly attributes: Thing }).attributes,
      show: ({ id, ...attributes }) => ({ data: { type: "things", id: String(id), attributes }, links: { self: "x" } }),
      first: (_request, { all, looks }) => {
        if (looks === 2 && all.get("1")?.["size"] === 1) all.set("1", { id: 1, size: 9 });
        return undefined;
      },
    }),
    manifests: {
      "HTTPResource/thing": declared(
        { size: 1 },
        {
          externalID: ".object.id",
          observe: { url: itsURL, object: ".response.body.data" },
          create: { url: "$URL/things", body: { json: { data: { type: "things", attributes: "${ .parameters }" } } } },
          update: {
            url: itsURL,
            object: ".body.data",
            method: "PATCH",
            body: { json: { data: { type: "things", id: "${ .externalID }", attributes: "${ .parameters }" } } },
          },
        },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PATCH")).toEqual(["PATCH /things/1 200"]);
      expect(isThere("thing")).toBe(false);
    },
  },
  {
    name: "an ETag that is weak, and another at each look, makes no update, and goes along as it is",
    server: () => {
      let there: Thing | undefined;
      let count = 0;
      return ({ method, body, headers }) => {
        const now = `W/"${count}"`;
        if (method === "POST") return { status: 201, body: (there = { id: 1, ...body }) };
        if (!there) return undefined;
        if (method === "GET") return { headers: { etag: `W/"${(count += 1)}"` }, body: there };
        if (headers["if-match"] !== now) return { status: 412 };
        if (method === "DELETE") return { status: 204, body: void (there = undefined) };
        return { body: (there = { id: 1, ...body }) };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          update: {
            url: itsURL,
            headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }],
            body: { json: "${ .parameters }" },
          },
        },
      ),
    },
    after: {
      "HTTPResource/thing": declared(
        { name: "y" },
        {
          update: {
            url: itsURL,
            headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }],
            body: { json: "${ .parameters }" },
          },
        },
      ),
    },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual(["PUT /things/1 200"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
];
