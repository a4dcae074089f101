/** What the guide says of APIs that only list, of GraphQL and JSON-RPC, of what cannot change, and of a token that is shown once. */
import { expect } from "@jest/globals";
import { asked, example, fields, gone, meddled, ready, refusing, times, without } from "../guide-examples.ts";
import { guideServer } from "../guide-servers.ts";
import type { RemoteCase } from "../remote-servers.ts";

const listed = "apis-that-only-list.yaml";
const posted = "graphql-and-json-rpc.yaml";
const fixed = "replace-what-cannot-change.yaml";
const once = "token-shown-once.yaml";

export const guideApiCases: readonly RemoteCase[] = [
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
    server: meddled({ method: "GET", path: "/webhooks", nth: 1 }, (serve) =>
      serve(asked("POST", "/webhooks", { callback: "https://ci.example.com/build", active: false }), 0),
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
    server: meddled({ method: "GET", path: "/webhooks", nth: 5 }, (serve) => serve(asked("DELETE", "/webhooks/4"), 0)),
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
