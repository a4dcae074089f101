/** What the guide says of ETags, of fields that are never shown, and of parents and children. */
import { expect } from "@jest/globals";
import { annotated, asked, example, fields, meddled, ready, without } from "../guide-examples.ts";
import { guideServer } from "../guide-servers.ts";
import type { RemoteCase } from "../remote-servers.ts";

const revisions = "etags-and-revisions.yaml";
const hidden = "write-only-fields.yaml";
const family = "parents-and-children.yaml";
const password = "a-password-that-stays-secret";

export const guideObjectCases: readonly RemoteCase[] = [
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
    server: meddled({ method: "PUT", path: "/documents/front-page", nth: 2 }, (serve) =>
      serve(asked("PUT", "/documents/front-page", { title: "by hand" }, { "if-match": '"1"' }), 0),
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
    name: "ETag and revision: what cannot be observed before delete is not deleted",
    server: () => {
      const serve = guideServer();
      let count = 0;
      return (request, seconds) => {
        const isLook = request.method === "GET" && request.path === "/documents/front-page";
        return isLook && (count += 1) > 2 ? { status: 503 } : serve(request, seconds);
      };
    },
    manifests: example(revisions),
    after: {},
    check({ sent, isThere, message }) {
      expect(sent("DELETE")).toEqual(["DELETE /settings/site-settings 204"]);
      expect([isThere("front-page"), isThere("site-settings")]).toEqual([true, false]);
      expect(message("front-page")).toMatch(/^spec\.observe: answered 503/);
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
    server: meddled({ method: "GET", path: "/accounts/robot", nth: 3 }, (serve) =>
      serve(asked("PUT", "/accounts/robot", { role: "admin" }), 0),
    ),
    manifests: example(hidden),
    check(seen) {
      expect([fields(seen.bodies("PUT"), "role"), fields(seen.bodies("PUT"), "password")]).toEqual([["reader"], [password]]);
      expect(ready(seen, "robot")).toEqual(["True"]);
    },
  },
  {
    name: "write-only fields: a person who asks has the password sent again",
    server: guideServer,
    manifests: example(hidden),
    after: annotated(example(hidden), "HTTPResource/robot", { "holdfast.dev/reconcile-at": "1" }),
    check(seen) {
      expect(fields(seen.bodies("PUT"), "password")).toEqual([password]);
      expect(ready(seen, "robot")).toEqual(["True"]);
    },
  },
  {
    name: "parents and children: a person who asks has a child looked at, and nothing sent",
    server: guideServer,
    manifests: example(family),
    after: annotated(example(family), "HTTPResource/apollo-reviewer", { "holdfast.dev/reconcile-at": "1" }),
    check(seen) {
      expect([seen.sent("PUT"), seen.sent("POST").length]).toEqual([[], 2]);
      expect(ready(seen, "apollo-reviewer")).toEqual(["True"]);
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
];
