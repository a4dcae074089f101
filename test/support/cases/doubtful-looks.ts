/** Answers that seem to say that an object is not there, or has gone, and do not. */
import { expect } from "@jest/globals";
import { byName, collection, declared, nothing, ready } from "../collection.ts";
import type { RemoteCase } from "../remote-servers.ts";

export const doubtfulLookCases: readonly RemoteCase[] = [
  {
    name: "an update is answered with the id of a job, which its server will show nothing of: the object is kept, and deleted at last",
    server: collection({
      changed: () => ({ status: 202, body: { id: "job-1", state: "queued" } }),
      first: ({ method, path }) => (method === "GET" && path === "/things/job-1" ? { status: 400 } : undefined),
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: { "HTTPResource/thing": declared({ name: "y" }) },
    end: nothing,
    isDue: (stage, { sent, status }) => stage === 1 || (sent("PUT").length > 0 && status("thing")["externalID"] === "1"),
    check({ sent, isThere }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /things 201"], ["PUT /things/1 202"]]);
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 204"], false]);
    },
  },
  {
    name: "a list has a part of what there is, and says so by 206: what is on another page is not made again",
    server: collection({
      first: ({ method, path }) =>
        method === "GET" && path === "/things"
          ? { status: 206, headers: { "content-range": "0-0/2" }, body: [{ id: 8, name: "another's" }] }
          : undefined,
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
    check({ sent, state, message }) {
      expect([sent("POST"), ready(state("thing"))]).toEqual([[], "Unknown"]);
      expect(message("thing")).toContain("spec.lookup.next");
    },
  },
  {
    name: "a deletion is accepted by 202 and takes a while: it is sent once, and over when the object is not shown any more",
    server: () => {
      let goesAt = Infinity;
      const serve = collection({
        first: (_request, { all }) => {
          if (goesAt === 0) all.clear();
          return undefined;
        },
      })();
      return (request, seconds) => {
        if (seconds > goesAt) goesAt = 0;
        if (request.method !== "DELETE") return serve(request, seconds);
        goesAt = seconds + 3;
        return { status: 202, body: { state: "deleting" } };
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, requests, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 202"], false]);
      expect(requests.at(-1)).toBe("GET /things/1 404");
    },
  },
  {
    name: "a deletion is accepted by 202, and two that others have made match then: it is over when the list does not show it",
    server: () => {
      const others = [8, 9].map((id) => ({ id, name: "x" }));
      let isDeleted = false;
      const serve = collection({ list: (things) => (isDeleted ? others : things) })();
      return (request, seconds) => {
        if (request.method !== "DELETE") return serve(request, seconds);
        isDeleted = true;
        return { status: 202, body: { state: "deleting" } };
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { observe: undefined, lookup: byName }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 202"], false]);
    },
  },
  {
    name: "a deletion is accepted by 202 and fails: the object that declares it stays, and says so",
    server: collection({
      first: ({ method }) => (method === "DELETE" ? { status: 202, body: { state: "accepted" } } : undefined),
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, state, message, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 202"], true]);
      expect([state("thing"), message("thing").includes("holdfast.dev/orphan")]).toEqual(["False/Deleting Reconciling", true]);
    },
  },
  {
    name: "a gateway answers a look, the DELETE and the look after that by a page: nothing is made twice, and nothing is left",
    server: collection({
      first: ({ method, path }, { looks, since }) => {
        const isAway = (method === "GET" && path !== "/things" && looks % 2 === 0) || (method === "DELETE" && since < 12);
        return isAway ? { status: 404, headers: { "content-type": "text/html" }, body: "<html>default backend" } : undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("POST"), sent("DELETE").at(-1), isThere("thing")]).toEqual([
        ["POST /things 201"],
        "DELETE /things/1 204",
        false,
      ]);
    },
  },
  {
    name: "a create under a key is answered without an id, and a list never shows it: it is not sent again",
    server: () => {
      const keys = new Set<unknown>();
      const serve = collection({ made: () => ({ status: 201, body: {} }) })();
      return (request, seconds) => {
        const key = request.headers["idempotency-key"];
        if (request.method === "POST" && keys.has(key)) return { status: 422 };
        keys.add(key);
        return serve(request, seconds);
      };
    },
    manifests: {
      "HTTPResource/thing": declared({ name: "x" }, { idempotencyKey: {}, lookup: { ...byName, match: ".item.title == 1" } }),
    },
    check({ sent, state }) {
      expect([sent("POST"), state("thing")]).toEqual([["POST /things 201"], "False/ExternalIDUnknown Reconciling"]);
    },
  },
  {
    name: "a create is cut off, its manifest is taken out, and its server makes the object after all: that is deleted when it is there",
    server: () => {
      let asked: { readonly at: number } | undefined;
      const serve = collection({
        first: ({ method }, { all }) => {
          if (asked?.at === 0) all.set("x", { id: "x" });
          return method === "POST" ? { breaks: "before" } : undefined;
        },
      })();
      return (request, seconds) => {
        if (request.method === "POST") asked = { at: seconds };
        else if (asked && seconds - asked.at > 14) asked = { at: 0 };
        const answer = serve(request, seconds);
        if (asked?.at === 0) asked = { at: Infinity };
        return answer;
      };
    },
    manifests: {
      "HTTPResource/thing": {
        observe: { url: "$URL/things/x" },
        create: { url: "$URL/things", method: "POST", body: { json: { name: "x" } } },
        delete: { url: "$URL/things/x" },
        interval: "1s",
      },
    },
    after: nothing,
    isDue: (stage, { isThere }) => stage === 1 || !isThere("thing"),
    check({ sent, isThere }) {
      expect([sent("POST"), sent("DELETE"), isThere("thing")]).toEqual([["POST /things -"], ["DELETE /things/x 204"], false]);
    },
  },
];
