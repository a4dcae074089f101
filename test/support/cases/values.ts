/** Facts of an object that its status shows, and that others take. */
import { expect } from "@jest/globals";
import type { RemoteCase } from "../remote-servers.ts";

/** A project whose host the server changes when it has a member; and members, who are put under their names. */
const projects = (): RemoteCase["server"] => () => {
  const there = new Map<string, Record<string, unknown>>();
  return ({ method, path, body, headers }) => {
    if (method === "PUT") there.set(path, body);
    const found = there.get(path);
    if (!found) return undefined;
    if (!path.startsWith("/projects/")) return { body: found };
    const host = there.has("/members/m") ? "b.example.com" : "a.example.com";
    return { body: { ...found, host, token: headers.authorization, key: "made-by-the-server" } };
  };
};
const project = (values: object) => ({
  inputs: { token: { secretKeyRef: { name: "s", key: "token" } } },
  observe: { url: "$URL/projects/p", headers: [{ name: "Authorization", value: "${ .inputs.token }" }] },
  create: { url: "$URL/projects/p", method: "PUT", body: { json: { name: "p" } } },
  values,
  outputs: [{ secret: { name: "key" }, data: { key: ".response.body.key" }, whenMissing: "Keep" }],
  interval: "1s",
});
const secret = { "Secret/s": { token: "Zx9-token-Zx9" } };

export const valueCases: readonly RemoteCase[] = [
  {
    name: "values of one are taken by another, and a change of them is sent on",
    server: projects(),
    manifests: {
      ...secret,
      "HTTPResource/p": project({ host: ".object.host", missing: ".object.none" }),
      "HTTPResource/m": {
        inputs: {
          host: { objectRef: { kind: "HTTPResource", name: "p", expression: ".status.values.host" } },
        },
        observe: { url: "$URL/members/m" },
        create: { url: "$URL/members/m", method: "PUT", body: { json: { host: "${ .inputs.host }" } } },
        update: { url: "$URL/members/m", body: { json: { host: "${ .inputs.host }" } } },
        interval: "1h",
      },
    },
    check({ status, state, requests, bodies }) {
      expect([state("p"), state("m")]).toEqual(["True/Created", "True/Updated"]);
      expect(status("p")["values"]).toEqual({ host: "b.example.com" });
      expect(requests.filter((line) => line.startsWith("PUT /members/m"))).toHaveLength(2);
      expect(bodies("PUT").filter((body) => body.includes("host"))).toEqual([
        '{"host":"a.example.com"}',
        '{"host":"b.example.com"}',
      ]);
    },
  },
  {
    name: "a value that holds a secret is not shown, of the request or of an output",
    server: projects(),
    manifests: {
      ...secret,
      "HTTPResource/p": project({ name: ".object.name", token: ".object.token" }),
      "HTTPResource/k": {
        ...project({ key: ".object | {key}" }),
        outputs: [{ secret: { name: "own" }, data: { key: ".response.body.key" }, whenMissing: "Keep" }],
      },
    },
    check({ status, state, message }) {
      expect([state("p"), state("k")]).toEqual(["False/ValueIsSecret Reconciling", "False/ValueIsSecret Reconciling"]);
      expect([message("p"), message("k")].map((text) => text.split(":", 1)[0])).toEqual(["spec.values.token", "spec.values.key"]);
      expect(status("p")["values"]).toEqual({ name: "p" });
      expect(JSON.stringify([status("p"), status("k")])).not.toMatch(/Zx9|made-by/);
    },
  },
  {
    name: "a value that holds what only create sends is not shown either",
    server: projects(),
    manifests: {
      ...secret,
      "HTTPResource/p": {
        inputs: { token: { secretKeyRef: { name: "s", key: "token" } } },
        observe: { url: "$URL/projects/p" },
        create: { url: "$URL/projects/p", method: "PUT", body: { json: { name: "p", given: "${ .inputs.token }" } } },
        values: { name: ".object.name", given: ".object.given" },
        interval: "1s",
      },
    },
    check({ status, state, message }) {
      expect(state("p")).toBe("False/ValueIsSecret Reconciling");
      expect(message("p")).toMatch(/^spec\.values\.given:/);
      expect(status("p")["values"]).toEqual({ name: "p" });
      expect(JSON.stringify(status("p"))).not.toContain("Zx9");
    },
  },
];
