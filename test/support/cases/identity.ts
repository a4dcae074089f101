/** Servers that give ids, give them anew, hide what they have, or are asked at a wrong address. */
import { expect } from "@jest/globals";
import type { Answer, RemoteCase } from "../remote-servers.ts";

interface Item extends Record<string, unknown> {
  readonly id: number | string;
}
/** POST, GET, PUT and DELETE of /things, and of /things/ID. `change`: what happens by hand, three seconds after it was seen. */
function things({
  unique = false,
  first = 40,
  change,
}: { readonly unique?: boolean; readonly first?: number; readonly change?: (all: Item[]) => Item[] } = {}): RemoteCase["server"] {
  return () => {
    let all: Item[] = [];
    let count = first;
    let isChanged = false;
    let seenAt = Infinity;
    return ({ method, path, body, query }, seconds) => {
      if (change && seconds > seenAt + 3 && !isChanged) {
        isChanged = true;
        all = change(all);
      }
      if (method === "GET" && all.length > 0) seenAt = Math.min(seenAt, seconds);
      const name = query.get("name");
      if (path === "/things" && method === "GET")
        return { body: name === null ? all : all.filter((one) => one["name"] === name) };
      if (path === "/things" && method === "POST") {
        if (unique && all.some((one) => one["name"] === body["name"])) return { status: 409, body: { error: "exists" } };
        const made = { id: ++count, ...body };
        all.push(made);
        return { status: 201, body: made };
      }
      const at = all.findIndex(({ id }) => path === `/things/${id}`);
      const there = all[at];
      if (!there) return { status: 404 };
      if (method === "DELETE") all.splice(at, 1);
      if (method === "PUT") all[at] = { ...body, id: there.id };
      return method === "DELETE" ? { status: 204 } : { body: all[at] };
    };
  };
}
const one = "$URL/things/${ .externalID }";
const thing = {
  parameters: { name: "x" },
  externalID: ".response.body.id",
  observe: { url: one },
  create: { url: "$URL/things", body: { json: "${ .parameters }" } },
  update: { url: one, body: { json: "${ .parameters }" } },
  interval: "1s",
};
const lookup = { url: "$URL/things", match: ".item.name == .parameters.name" };

/** A list in pages of two, and no way to ask for one hook. */
const hooks = (): RemoteCase["server"] => () => {
  const all: Item[] = ["a", "b", "c"].map((url, index) => ({ id: index + 1, url }));
  return ({ method, path, body, query }): Answer => {
    if (method === "POST") {
      const made = { id: all.length + 1, ...body };
      all.push(made);
      return { status: 201, body: made };
    }
    if (method === "GET" && path === "/hooks") {
      const at = Number(query.get("cursor") ?? 0);
      return { body: { hooks: all.slice(at, at + 2), next: at + 2 < all.length ? String(at + 2) : null } };
    }
    const index = all.findIndex(({ id }) => path === `/hooks/${id}`);
    if (method === "PUT" && all[index]) return { body: Object.assign(all[index], body) };
    if (method === "DELETE" && all[index]) return { status: 204, body: void all.splice(index, 1) };
    return { status: 405 };
  };
};
const hook = {
  parameters: { url: "mine", active: true },
  lookup: {
    url: "$URL/hooks",
    items: ".response.body.hooks",
    match: ".item.url == .parameters.url",
    next: "{cursor: .response.body.next}",
  },
  create: { url: "$URL/hooks", body: { json: "${ .parameters }" } },
  update: { url: "$URL/hooks/${ .externalID }", body: { json: "${ .parameters }" } },
  interval: "1s",
};

/** Users are known by their names; a PUT of another name renames. */
const users = (): RemoteCase["server"] => () => {
  const all = new Map<string, Record<string, unknown>>();
  return ({ method, path, body }) => {
    const name = path.split("/")[2] ?? "";
    const given = String(body["name"]);
    if (method === "POST") return { status: 201, body: (all.set(given, body), body) };
    const isNew = !all.has(name);
    if (method === "PUT" && isNew) return { status: 201, body: (all.set(name, body), body) };
    if (isNew) return { status: 404 };
    if (method === "DELETE") return { status: all.delete(name) ? 204 : 404 };
    if (method === "PUT") return { body: (all.delete(name), all.set(given, body), body) };
    return { body: all.get(name) };
  };
};
const user = (name: string) => ({
  parameters: { name, age: 36 },
  externalID: ".response.body.name",
  observe: { url: "$URL/users/${ .externalID }" },
  create: { url: "$URL/users", body: { json: "${ .parameters }" } },
  update: { url: "$URL/users/${ .externalID }", body: { json: "${ .parameters }" } },
  delete: { url: "$URL/users/${ .externalID }" },
  interval: "1s",
});
const declaredUser = (name: string, more: object = {}) => ({
  ...user(name),
  externalID: ".parameters.name",
  create: { url: "$URL/users/${ .externalID }", method: "PUT", body: { json: "${ .parameters }" } },
  ...more,
});

/** As Alertmanager has its silences: another version of one is another one, under another id, and the old one has expired. */
const silences = (): RemoteCase["server"] => () => {
  const all = new Map<string, Record<string, unknown>>();
  let count = 0;
  return ({ method, path, body }) => {
    if (method === "POST") {
      const old = all.get(String(body["id"]));
      if (old) old["state"] = "expired";
      const id = `s${++count}`;
      all.set(id, { ...body, id, state: "active" });
      return { body: { silenceID: id } };
    }
    const silence = all.get(path.split("/")[2] ?? "");
    if (!silence) return { status: 404 };
    if (method === "DELETE") silence["state"] = "expired";
    return { body: silence };
  };
};
const silence = (comment: string) => ({
  parameters: { matcher: "db", comment },
  externalID: ".response.body.silenceID",
  observe: { url: "$URL/silence/${ .externalID }", object: '.response.body | select(.state != "expired")' },
  create: { url: "$URL/silences", body: { json: "${ .parameters }" } },
  update: { url: "$URL/silences", method: "POST", body: { json: "${ .parameters + {id: .externalID} }" } },
  delete: { url: "$URL/silence/${ .externalID }" },
  upToDate: ".parameters as $p | .object | contains($p)",
  interval: "1s",
});

/** An answer to PUT tells of the job that does it, whose number can be another thing's. */
const jobs = (): RemoteCase["server"] => () => {
  const all: Item[] = [{ id: 7, name: "another's" }];
  return ({ method, path, body }) => {
    if (method === "POST") return { status: 201, body: all[all.push({ id: 41, ...body }) - 1] };
    const at = all.findIndex(({ id }) => path === `/things/${id}`);
    if (!all[at]) return { status: 404 };
    if (method === "PUT") return { status: 200, body: (Object.assign(all[at], body), { id: 7, job: "update" }) };
    return { body: all[at] };
  };
};

/** A thing whose region cannot be changed. */
const regions = (): RemoteCase["server"] => () => {
  let there: Item | undefined;
  let count = 0;
  return ({ method, path, body }) => {
    if (method === "POST") return { status: 201, body: (there = { id: ++count, ...body }) };
    if (!there || path !== `/things/${there.id}`) return { status: 404 };
    if (method === "PUT" && body["region"] !== there["region"])
      return { status: 422, body: { error: "region cannot be changed" } };
    if (method === "PUT") return { body: (there = { ...there, ...body }) };
    if (method === "DELETE") {
      there = undefined;
      return { status: 204 };
    }
    return { body: there };
  };
};
const regional = (region: string, more: object) => ({
  "HTTPResource/thing": { ...thing, parameters: { name: "x", region }, delete: { url: one }, ...more },
});

/** Entries are known by their places in a list, which somebody changes. */
const places = (): RemoteCase["server"] => () => {
  const all: Record<string, unknown>[] = [];
  let isChanged = false;
  let seenAt = Infinity;
  return ({ method, path, body }, seconds) => {
    if (seconds > seenAt + 3 && !isChanged) {
      isChanged = true;
      all.unshift({ owner: "another", value: 9 });
    }
    if (method === "POST") return { status: 201, body: { index: all.push(body) - 1 } };
    if (method === "GET" && all.length > 0) seenAt = Math.min(seenAt, seconds);
    const at = Number(path.split("/")[2]);
    if (path === "/entries") return { body: all.map((entry, index) => ({ ...entry, index })) };
    if (!all[at]) return { status: 404 };
    if (method === "PUT") all[at] = body;
    if (method === "DELETE") all.splice(at, 1);
    return { body: { ...all[at], index: at } };
  };
};
const entry = (more: object = {}) => ({
  parameters: { owner: "us", value: 1 },
  externalID: ".object.index",
  observe: { url: "$URL/entries/${ .externalID }" },
  create: { url: "$URL/entries", body: { json: "${ .parameters }" } },
  update: { url: "$URL/entries/${ .externalID }", body: { json: "${ .parameters }" } },
  delete: { url: "$URL/entries/${ .externalID }" },
  mine: ".object.owner == .parameters.owner",
  interval: "1s",
  ...more,
});

export const identityCases: readonly RemoteCase[] = [
  {
    name: "10: a field that cannot be changed makes update fail, where nothing says what else to do",
    server: regions(),
    manifests: regional("eu", {}),
    after: regional("us", {}),
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("thing")).toBe("False/UnexpectedStatus Reconciling");
    },
  },
  ...[".region", "422"].map((why): RemoteCase => ({
    name: `10: what cannot be changed is made anew, by ${why}`,
    server: regions(),
    manifests: regional("eu", { replace: [why] }),
    after: regional("us", { replace: [why] }),
    check({ sent, bodies, status, state }) {
      expect(sent("DELETE")).toEqual(["DELETE /things/1 204"]);
      expect(bodies("POST").map((text) => (JSON.parse(text) as { region: string }).region)).toEqual(["eu", "us"]);
      expect([state("thing").split("/")[0], status("thing")["externalID"]]).toEqual(["True", "2"]);
    },
  })),
  {
    name: "11: a rename by update goes to the old name, and its answer gives the new one",
    server: users(),
    manifests: { "HTTPResource/user": user("ada") },
    after: { "HTTPResource/user": user("lovelace") },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT")).toEqual(["PUT /users/ada 200"]);
      expect([state("user").split("/")[0], status("user")["externalID"]]).toEqual(["True", "lovelace"]);
    },
  },
  {
    name: "a declared name that changes is refused, and nothing is sent",
    server: users(),
    manifests: { "HTTPResource/user": declaredUser("ada") },
    after: { "HTTPResource/user": declaredUser("lovelace") },
    check({ sent, status, state, message }) {
      expect(sent("PUT")).toEqual(["PUT /users/ada 201"]);
      expect(sent("DELETE")).toEqual([]);
      expect([state("user"), status("user")["externalID"]]).toEqual(["False/Moved Stalled", "ada"]);
      expect(message("user")).toContain("replace: [Moved]");
    },
  },
  {
    name: "a declared name that changes is a replacement where that is said",
    server: users(),
    manifests: { "HTTPResource/user": declaredUser("ada", { replace: ["Moved"] }) },
    after: { "HTTPResource/user": declaredUser("lovelace", { replace: ["Moved"] }) },
    check({ sent, status, state }) {
      expect(sent("PUT")).toEqual(["PUT /users/ada 201", "PUT /users/lovelace 201"]);
      expect(sent("DELETE")).toEqual(["DELETE /users/ada 204"]);
      expect([state("user").split("/")[0], status("user")["externalID"]]).toEqual(["True", "lovelace"]);
    },
  },
  {
    name: "13: a list that observe sees one page of makes one object, and says so",
    server: hooks(),
    manifests: {
      "HTTPResource/hook": {
        ...hook,
        externalID: ".response.body.id",
        observe: { url: "$URL/hooks" },
        exists: ".externalID as $id | any(.response.body.hooks[]; (.id | tostring) == $id)",
        upToDate:
          ".parameters as $p | .externalID as $id | any(.response.body.hooks[]; (.id | tostring) == $id and contains($p))",
      },
    },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("hook")).toBe("Unknown/Inconsistent Reconciling");
    },
  },
  ...[".object.id", ".response.body.id"].map((externalID): RemoteCase => ({
    name: `13, 14: what is only in a list is observed by lookup, its id by ${externalID}`,
    server: hooks(),
    manifests: { "HTTPResource/hook": { ...hook, externalID } },
    after: { "HTTPResource/hook": { ...hook, externalID, parameters: { url: "mine", active: false } } },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT")).toEqual(["PUT /hooks/4 200"]);
      expect([state("hook").split("/")[0], status("hook")["externalID"]]).toEqual(["True", "4"]);
    },
  })),
  {
    name: "18: what was made anew by hand is looked up, and not created",
    server: things({ unique: true, change: () => [{ id: 99, name: "x" }] }),
    manifests: { "HTTPResource/thing": { ...thing, lookup } },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect([state("thing").split("/")[0], status("thing")["externalID"]]).toEqual(["True", "99"]);
    },
  },
  {
    name: "what is gone for good is created again, after it was looked up",
    server: things({ change: () => [] }),
    manifests: { "HTTPResource/thing": { ...thing, lookup } },
    check({ sent, status }) {
      expect(sent("POST")).toHaveLength(2);
      expect(status("thing")["externalID"]).toBe("42");
    },
  },
  {
    name: "23: what observe never shows is created once",
    server: things(),
    manifests: { "HTTPResource/thing": { ...thing, observe: { url: "$URL/things//${ .externalID }" } } },
    check({ sent, state, message, status }) {
      expect(sent("POST")).toHaveLength(1);
      expect([state("thing"), status("thing")["externalID"]]).toEqual(["False/NotSeen Reconciling", "41"]);
      expect(message("thing")).toMatch(/^spec.observe does not know what spec.create made \(id "41"\)/);
    },
  },
  {
    name: "49: an id that a search shows anew is taken, as manifests were written",
    server: things({ change: () => [{ id: 99, name: "x", size: 5 }] }),
    manifests: {
      "HTTPResource/thing": {
        ...thing,
        parameters: { name: "x", size: 1 },
        externalID: '.response.body | if type == "array" then .[0].id else .id end',
        observe: { url: "$URL/things", query: [{ name: "name", value: "${ .parameters.name }" }] },
        exists: "(.response.body | length) > 0",
        upToDate: ".response.body[0].size == .parameters.size",
      },
    },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT")).toEqual(["PUT /things/99 200"]);
      expect([state("thing").split("/")[0], status("thing")["externalID"]]).toEqual(["True", "99"]);
    },
  },
  {
    name: "49: an id that a search shows anew is taken",
    server: things({ change: () => [{ id: 99, name: "x", size: 5 }] }),
    manifests: {
      "HTTPResource/thing": {
        ...thing,
        parameters: { name: "x", size: 1 },
        externalID: ".object.id",
        observe: {
          url: "$URL/things",
          query: [{ name: "name", value: "${ .parameters.name }" }],
          object: ".response.body[0]",
        },
      },
    },
    check({ sent, status }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT")).toEqual(["PUT /things/99 200"]);
      expect(status("thing")["externalID"]).toBe("99");
    },
  },
  {
    name: "52: a 404 to a DELETE at a wrong address is not believed",
    server: things(),
    manifests: { "HTTPResource/thing": { ...thing, delete: { url: "$URL/thing/${ .externalID }" } } },
    after: { "ConfigMap/other": {} },
    check({ sent, state, message }) {
      expect(sent("DELETE").length).toBeGreaterThan(0);
      expect(state("thing")).toBe("False/NotDeleted Stalled");
      expect(message("thing")).toContain("spec.observe still shows the object");
    },
  },
  {
    name: "a silence is one silence, whose id changes with each update",
    server: silences(),
    manifests: { "HTTPResource/silence": silence("one") },
    after: { "HTTPResource/silence": silence("two") },
    check({ bodies, status, state }) {
      expect(bodies("POST").map((text) => (JSON.parse(text) as { id?: string }).id)).toEqual([undefined, "s1"]);
      expect([state("silence").split("/")[0], status("silence")["externalID"]]).toEqual(["True", "s2"]);
    },
  },
  {
    name: "the id of a job is not taken for the object's, though something has it",
    server: jobs(),
    manifests: { "HTTPResource/thing": thing },
    after: { "HTTPResource/thing": { ...thing, parameters: { name: "y" } } },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT")).toEqual(["PUT /things/41 200"]);
      expect([state("thing").split("/")[0], status("thing")["externalID"]]).toEqual(["True", "41"]);
    },
  },
  {
    name: "what is another's by now is neither updated nor deleted",
    server: places(),
    manifests: { "HTTPResource/entry": entry() },
    after: { "ConfigMap/other": {} },
    check({ sent, state }) {
      expect([sent("POST").length, sent("PUT"), sent("DELETE")]).toEqual([1, [], []]);
      expect(state("entry")).toBe("False/NotMine Stalled");
    },
  },
  {
    name: "what is another's by now is looked for, where it can be",
    server: places(),
    manifests: { "HTTPResource/entry": entry({ lookup: { url: "$URL/entries", match: ".item.owner == .parameters.owner" } }) },
    after: {
      "HTTPResource/entry": entry({
        parameters: { owner: "us", value: 2 },
        lookup: { url: "$URL/entries", match: ".item.owner == .parameters.owner" },
      }),
    },
    check({ sent, status }) {
      expect([sent("POST").length, sent("PUT")]).toEqual([1, ["PUT /entries/1 200"]]);
      expect(status("entry")["externalID"]).toBe("1");
    },
  },
];
