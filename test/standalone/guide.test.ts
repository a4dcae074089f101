/** The guide's examples of remote objects, as they stand but for their interval: what its pages say of a change, a drift and a deletion. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { guideServer } from "../support/guide-servers.ts";
import { firstMs, runCases, thenMs, type RemoteCase, type Seen, type Serve } from "../support/remote-servers.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, string>>;
}
/** What a file declares, by `Kind/name`, looked after each second. `put`: texts and what stands in their place. */
function example(file: string, put: Readonly<Record<string, string>> = {}): RemoteCase["manifests"] {
  let text = readFileSync(join(import.meta.dirname, "../../examples", file), "utf8").replaceAll("http://127.0.0.1:28080", "$URL");
  for (const [from, to] of Object.entries(put)) {
    if (!text.includes(from)) throw new Error(`examples/${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  return Object.fromEntries(
    manifests.map(({ kind, metadata, spec, stringData }) => [
      `${kind}/${metadata.name}`,
      { ...(stringData ?? spec), ...(kind === "HTTPResource" && { interval: "1s" }) },
    ]),
  );
}
const without = (manifests: RemoteCase["manifests"], title: string): RemoteCase["manifests"] =>
  Object.fromEntries(Object.entries(manifests).filter(([key]) => key !== title));
/** Nothing but what Secrets and endpoints hold. */
const gone = (manifests: RemoteCase["manifests"]): RemoteCase["manifests"] =>
  Object.fromEntries(Object.entries(manifests).filter(([title]) => !title.startsWith("HTTPRe")));

/** Once, before the first request of which `is` is true, something is done by hand. */
function meddled(is: (asked: Parameters<Serve>[0], seconds: number) => boolean, by: (serve: Serve) => void): () => Serve {
  return () => {
    const serve = guideServer();
    let isDone = false;
    return (asked, seconds) => {
      if (!isDone && is(asked, seconds)) {
        isDone = true;
        by(serve);
      }
      return serve(asked, seconds);
    };
  };
}
const asked = (method: string, path: string, body: Record<string, unknown> = {}, headers = {}): Parameters<Serve>[0] => {
  return { method, path, query: new URLSearchParams(), headers, text: "", body };
};
/** The first of these requests is answered so, and not heard. */
const refusing =
  (word: string, body: unknown): (() => Serve) =>
  () => {
    const serve = guideServer();
    let isDone = false;
    return (request, seconds) => {
      if (isDone || !request.text.includes(word)) return serve(request, seconds);
      isDone = true;
      return { body };
    };
  };

const fields = (bodies: readonly string[], name: string): unknown[] =>
  bodies.map((text) => (JSON.parse(text) as Record<string, unknown>)[name]);
/** What a JSON body asks for, by a name that stands in it. */
const times = (bodies: readonly string[], word: string): number => bodies.filter((text) => text.includes(word)).length;
const ready = ({ state }: Seen, ...names: readonly string[]): string[] => names.map((name) => state(name).split("/")[0] ?? "");

const revisions = "etags-and-revisions.yaml";
const hidden = "write-only-fields.yaml";
const family = "parents-and-children.yaml";
const listed = "apis-that-only-list.yaml";
const posted = "graphql-and-json-rpc.yaml";
const fixed = "replace-what-cannot-change.yaml";
const once = "token-shown-once.yaml";
const password = "a-password-that-stays-secret";

const cases: readonly RemoteCase[] = [
  {
    name: "ETag and revision: a change goes out with the latest, once",
    server: guideServer,
    manifests: example(revisions),
    after: example(revisions, { "title: Welcome": "title: Hello", "theme: dark": "theme: light" }),
    check(seen) {
      expect(seen.sent("PUT")).toEqual(
        expect.arrayContaining([
          "PUT /documents/front-page 201",
          "PUT /documents/front-page 200",
          "PUT /settings/site-settings 200",
        ]),
      );
      expect(seen.sent("PUT")).toHaveLength(4);
      expect(ready(seen, "front-page", "site-settings")).toEqual(["True", "True"]);
    },
  },
  {
    name: "ETag and revision: where somebody is faster the update is refused, and sent with the ETag that is current then",
    server: meddled(
      ({ method, path, headers }) => method === "PUT" && path === "/documents/front-page" && "if-match" in headers,
      (serve) => serve(asked("PUT", "/documents/front-page", { title: "by hand" }, { "if-match": '"1"' }), 0),
    ),
    manifests: example(revisions),
    after: example(revisions, { "title: Welcome": "title: Hello" }),
    check(seen) {
      expect(seen.sent("PUT").filter((line) => line.includes("front-page"))).toEqual(
        [201, 412, 200].map((status) => `PUT /documents/front-page ${status}`),
      );
      expect(ready(seen, "front-page")).toEqual(["True"]);
    },
  },
  {
    name: "ETag and revision: delete has the latest too",
    server: guideServer,
    manifests: example(revisions),
    after: {},
    check({ sent, isThere }) {
      expect(sent("DELETE").toSorted()).toEqual(["DELETE /documents/front-page?rev=1 204", "DELETE /settings/site-settings 204"]);
      expect([isThere("front-page"), isThere("site-settings")]).toEqual([false, false]);
    },
  },
  {
    name: "write-only fields: a password goes out when it is another, once, and nothing else is sent for it",
    server: guideServer,
    manifests: example(hidden),
    after: example(hidden, { [password]: "another-that-stays-secret" }),
    check(seen) {
      expect(fields(seen.bodies("POST"), "password")).toEqual([password]);
      expect(fields(seen.bodies("PUT"), "password")).toEqual(["another-that-stays-secret"]);
      expect(ready(seen, "robot")).toEqual(["True"]);
    },
  },
  {
    name: "write-only fields: the others are compared, and corrected",
    server: meddled(
      (_, seconds) => seconds > 4,
      (serve) => serve(asked("PUT", "/accounts/robot", { role: "admin" }), 0),
    ),
    manifests: example(hidden),
    check(seen) {
      expect([fields(seen.bodies("PUT"), "role"), fields(seen.bodies("PUT"), "password")]).toEqual([["reader"], [password]]);
      expect(ready(seen, "robot")).toEqual(["True"]);
    },
  },
  {
    name: "write-only fields: what is shown by nobody and is not said to be contests for ever",
    server: guideServer,
    manifests: example(hidden, { "  ignore: [.mailOnChange]\n": "" }),
    check({ state, message }) {
      expect(state("robot")).toBe("False/NotHeld Contested");
      expect(message("robot")).toContain(".mailOnChange");
    },
  },
  {
    name: "parents and children: deleted together, the child goes first",
    server: guideServer,
    manifests: example(family),
    after: {},
    check({ sent, isThere }) {
      expect(sent("DELETE")).toEqual(["DELETE /projects/p-1/members/m-1 204", "DELETE /projects/p-1 204"]);
      expect([isThere("apollo"), isThere("apollo-reviewer")]).toEqual([false, false]);
    },
  },
  {
    name: "parents and children: a parent that is deleted alone waits",
    server: guideServer,
    manifests: example(family),
    after: without(example(family), "HTTPResource/apollo"),
    check(seen) {
      expect(seen.sent("DELETE")).toEqual([]);
      expect(seen.state("apollo")).toBe("False/InUse Reconciling");
      expect(seen.message("apollo")).toMatch(/^HTTPResource "apollo-reviewer" refers to this object/);
      expect(ready(seen, "apollo-reviewer")).toEqual(["True"]);
    },
  },
  {
    name: "APIs that only list: found on its page, changed by its id, and deleted",
    server: guideServer,
    manifests: example(listed),
    after: example(listed, { "active: true": "active: false" }),
    check(seen) {
      expect(seen.sent("POST")).toHaveLength(1);
      expect(seen.sent("PUT")).toEqual(["PUT /webhooks/4 204"]);
      expect(seen.status("build-hook")["externalID"]).toBe("4");
      expect(ready(seen, "build-hook")).toEqual(["True"]);
    },
  },
  {
    name: "APIs that only list: what is there already is taken over, and deleted with the object",
    server: meddled(
      () => true,
      (serve) => serve(asked("POST", "/webhooks", { callback: "https://ci.example.com/build", active: false }), 0),
    ),
    manifests: example(listed),
    after: {},
    check({ sent, isThere }) {
      expect(sent("POST")).toEqual([]);
      expect([sent("PUT"), sent("DELETE")]).toEqual([["PUT /webhooks/4 204"], ["DELETE /webhooks/4 204"]]);
      expect(isThere("build-hook")).toBe(false);
    },
  },
  {
    name: "APIs that only list: what is gone from all pages is created anew",
    server: meddled(
      (_, seconds) => seconds > 4,
      (serve) => serve(asked("DELETE", "/webhooks/4"), 0),
    ),
    manifests: example(listed),
    check(seen) {
      expect(seen.sent("POST")).toHaveLength(2);
      expect(seen.status("build-hook")["externalID"]).toBe("5");
      expect(ready(seen, "build-hook")).toEqual(["True"]);
    },
  },
  {
    name: "GraphQL and JSON-RPC: changed by what differs, with one update each",
    server: guideServer,
    manifests: example(posted),
    after: example(posted, { "color: d73a4a": "color: ff0000", "ttl: 300": "ttl: 60" }),
    check(seen) {
      const bodies = seen.bodies("POST");
      const counts = ["createLabel", "updateLabel", "zone.create", "zone.update"].map((word) => times(bodies, word));
      expect(counts).toEqual([1, 1, 1, 1]);
      expect(ready(seen, "bug-label", "example-zone")).toEqual(["True", "True"]);
    },
  },
  ...(
    [
      ["createLabel", { data: null, errors: [{ extensions: { code: "RATE_LIMITED" } }] }],
      ["zone.create", { error: { code: -32_000, message: "busy" } }],
    ] as const
  ).map(([word, body]): RemoteCase => ({
    name: `GraphQL and JSON-RPC: a ${word} that is refused in a 200 is sent again, and all is deleted`,
    server: refusing(word, body),
    manifests: example(posted),
    after: gone(example(posted)),
    check({ bodies, isThere }) {
      expect(times(bodies("POST"), word)).toBe(2);
      expect(["deleteLabel", "zone.delete"].map((remove) => times(bodies("POST"), remove))).toEqual([1, 1]);
      expect([isThere("bug-label"), isThere("example-zone")]).toEqual([false, false]);
    },
  })),
  {
    name: "replace: what can change is updated, what cannot is made anew",
    server: guideServer,
    manifests: example(fixed),
    after: example(fixed, { "region: eu": "region: us", "name: jobs\n    length": "name: tasks\n    length" }),
    check(seen) {
      expect(fields(seen.bodies("POST"), "region")).toEqual(["eu", "us"]);
      expect(seen.sent("PUT")).toEqual(["PUT /queues/jobs 201", "PUT /queues/tasks 201"]);
      expect(seen.sent("DELETE").toSorted()).toEqual(["DELETE /disks/d-1 204", "DELETE /queues/jobs 204"]);
      expect(["archive", "jobs"].map((name) => seen.status(name)["externalID"])).toEqual(["d-2", "tasks"]);
      expect(ready(seen, "archive", "jobs")).toEqual(["True", "True"]);
    },
  },
  {
    name: "replace: a change of another field is an update",
    server: guideServer,
    manifests: example(fixed),
    after: example(fixed, { "sizeGB: 100": "sizeGB: 200", "length: 1000": "length: 2000" }),
    check(seen) {
      expect(seen.sent("DELETE")).toEqual([]);
      expect(seen.sent("PUT")).toEqual(
        expect.arrayContaining(["PUT /queues/jobs 201", "PUT /disks/d-1 200", "PUT /queues/jobs 200"]),
      );
      expect(ready(seen, "archive", "jobs")).toEqual(["True", "True"]);
    },
  },
  {
    name: "replace: nothing is created while the old one is there",
    server: () => {
      const serve = guideServer();
      return (request, seconds) => (request.method === "DELETE" ? { status: 409 } : serve(request, seconds));
    },
    manifests: example(fixed),
    after: example(fixed, { "region: eu": "region: us" }),
    check({ sent, state, message }) {
      expect(sent("POST")).toEqual(["POST /disks 201"]);
      expect(sent("DELETE").length).toBeGreaterThan(0);
      expect([state("archive"), message("archive")]).toEqual([
        "False/UnexpectedStatus Reconciling",
        expect.stringMatching(/^spec\.delete: answered 409/),
      ]);
    },
  },
  {
    name: "a token that is shown once: with whenMissing: Fail the next look has none",
    server: guideServer,
    manifests: example(once, { "whenMissing: Keep": "whenMissing: Fail" }),
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("deployer")).toMatch(/^False\/OutputMissing/);
    },
  },
  {
    name: "a token that is shown once: it outlives every later answer, for who begins to use it then",
    server: guideServer,
    manifests: without(example(once), "HTTPRequest/greet-as-deployer"),
    after: example(once),
    check(seen) {
      expect(seen.sent("POST")).toHaveLength(1);
      expect(seen.sent("GET").filter((line) => line.startsWith("GET /service-accounts/sa-1")).length).toBeGreaterThan(3);
      expect(seen.sent("GET").filter((line) => line.startsWith("GET /whoami"))).toEqual(["GET /whoami 200"]);
      expect(ready(seen, "deployer", "greet-as-deployer")).toEqual(["True", "True"]);
    },
  },
  {
    name: "a token that is shown once: another is issued with another account, and used",
    server: guideServer,
    manifests: example(once),
    after: example(once, { "issued: 2026-01": "issued: 2026-02" }),
    check(seen) {
      expect(seen.sent("POST")).toHaveLength(2);
      expect(seen.sent("DELETE")).toEqual(["DELETE /service-accounts/sa-1 204"]);
      expect(seen.sent("GET").filter((line) => line.startsWith("GET /whoami"))).toEqual(["GET /whoami 200", "GET /whoami 200"]);
      expect(ready(seen, "deployer", "greet-as-deployer")).toEqual(["True", "True"]);
    },
  },
];

let all: ReadonlyMap<string, Seen>;
beforeAll(
  async () => {
    all = await runCases(cases);
  },
  firstMs + thenMs + 40_000,
);

test.each(cases.map((one) => [one.name, one] as const))("%s", (name, { check }) => {
  const seen = all.get(name);
  expect(seen).toBeDefined();
  if (seen) check(seen);
});
