/** Servers that hide, normalise, wrap or do not show what they were sent. */
import { expect } from "@jest/globals";
import type { RemoteCase } from "../remote-servers.ts";

/** What is sent is kept as `keep` makes it, and shown as `show` does. */
function keeper({
  keep = (body) => body,
  show = (body) => body,
  drift,
}: {
  readonly keep?: (body: Record<string, unknown>) => Record<string, unknown>;
  readonly show?: (body: Record<string, unknown>) => unknown;
  /** What happens by hand, three seconds after it was seen as it was made. */
  readonly drift?: (body: Record<string, unknown>) => Record<string, unknown>;
} = {}): RemoteCase["server"] {
  return () => {
    let kept: Record<string, unknown> | undefined;
    let isDrifted = false;
    let seenAt = Infinity;
    return ({ method, body }, seconds) => {
      if (kept && drift && seconds > seenAt + 3 && !isDrifted) {
        kept = drift(kept);
        isDrifted = true;
      }
      if (method === "GET" && kept) seenAt = Math.min(seenAt, seconds);
      if (method === "POST" || method === "PUT") kept = { id: 7, ...keep(body) };
      if (method === "PATCH") kept = { ...kept, ...body };
      return kept ? { status: method === "POST" ? 201 : 200, body: show(kept) } : undefined;
    };
  };
}
const one = "$URL/users/${ .externalID }";
const user = (parameters: object, more: object = {}) => ({
  parameters,
  externalID: ".response.body.id",
  observe: { url: one },
  create: { url: "$URL/users", body: { json: "${ .parameters }" } },
  update: { url: one, body: { json: "${ .parameters }" } },
  interval: "1s",
  ...more,
});

const normalised = { email: "Ada@Example.com", roles: ["write", "admin"], timeout: "60s", comment: "" };
const normalises = keeper({
  keep: (body) => ({
    ...body,
    email: String(body["email"]).toLowerCase(),
    roles: [...(body["roles"] as string[])].toSorted(),
    timeout: body["timeout"] === "60s" ? "1m0s" : body["timeout"],
    comment: body["comment"] === "" ? null : body["comment"],
    created: "2026-01-01",
  }),
});

const withoutPassword = (body: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== "password"));
const hidesPassword = keeper({ show: withoutPassword });
const masksPassword = keeper({ show: (body) => ({ ...body, ...("password" in body && { password: "********" }) }) });
const withPassword = {
  name: "${ .parameters.name }",
  password: "${ .inputs.password }",
};
const secretive = (more: object = {}) => ({
  ...user({ name: "ada" }),
  create: { url: "$URL/users", body: { json: withPassword } },
  update: { url: one, body: { json: withPassword } },
  inputs: { password: { secretKeyRef: { name: "pw", key: "password" } } },
  ...more,
});
const rotated = (resource: object) => ({
  manifests: { "HTTPResource/user": resource, "Secret/pw": { password: "first-secret-word" } },
  after: { "HTTPResource/user": resource, "Secret/pw": { password: "second-secret-word" } },
});
const passwords = (bodies: readonly string[]): unknown[] =>
  bodies.map((text) => (JSON.parse(text) as Record<string, unknown>)["password"]);

const forms =
  (drifts: boolean): RemoteCase["server"] =>
  () => {
    let kept: Record<string, unknown> = { name: "x", size: 1 };
    let isDrifted = false;
    let isMade = false;
    let seenAt = Infinity;
    return ({ method, text }, seconds) => {
      if (drifts && seconds > seenAt + 2 && !isDrifted) {
        kept["size"] = 9;
        isDrifted = true;
      }
      if (method === "PUT") {
        const { size, ...rest } = Object.fromEntries(new URLSearchParams(text));
        kept = { ...rest, size: Number(size) };
        isMade = true;
      } else if (isMade) seenAt = Math.min(seenAt, seconds);
      return { body: kept };
    };
  };
const files =
  (first: string): RemoteCase["server"] =>
  () => {
    let kept = first;
    return ({ method, text }) => {
      if (method === "PUT") kept = text;
      return { headers: { "content-type": "text/plain" }, body: kept };
    };
  };
const blobs =
  (): RemoteCase["server"] =>
  () =>
  ({ method }) =>
    method === "PUT" ? { status: 204 } : { body: { size: 12 } };

export const syncCases: readonly RemoteCase[] = [
  {
    name: "03: a server that normalises is corrected twice, then said to",
    server: normalises,
    manifests: { "HTTPResource/user": user(normalised) },
    check({ sent, state, message }) {
      expect(sent("PUT").length).toBeLessThanOrEqual(5);
      expect(state("user")).toBe("False/NotHeld Contested");
      for (const place of [".email", ".roles", ".timeout", ".comment"]) expect(message("user")).toContain(place);
      expect(message("user")).toContain("spec.compare");
      expect(message("user")).not.toContain("1m0s");
    },
  },
  {
    name: "03: what a server normalises can be said",
    server: normalises,
    manifests: {
      "HTTPResource/user": user(normalised, {
        compare: [
          { path: ".email", as: "ascii_downcase" },
          { path: ".roles", as: "sort" },
          { path: ".timeout", as: 'sub("^60s$"; "1m0s")' },
          { path: ".comment", as: '. // "" | select(. != "")' },
        ],
      }),
    },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual([]);
      expect(state("user").split("/")[0]).toBe("True");
    },
  },
  {
    name: "what is ignored is sent, and not compared",
    server: keeper({ keep: (body) => ({ ...body, startsAt: "now" }) }),
    manifests: { "HTTPResource/user": user({ name: "x", startsAt: "then" }, { ignore: [".startsAt"] }) },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual([]);
      expect(state("user").split("/")[0]).toBe("True");
    },
  },
  ...(
    [
      ["hides", hidesPassword],
      ["masks", masksPassword],
    ] as const
  ).flatMap(([how, server]): RemoteCase[] => [
    {
      name: `04: a password that the server ${how} is not sent again`,
      server,
      manifests: { "HTTPResource/user": secretive(), "Secret/pw": { password: "first-secret-word" } },
      check({ sent, state }) {
        expect(sent("PUT")).toEqual([]);
        expect(state("user").split("/")[0]).toBe("True");
      },
    },
    {
      name: `05: a password that the server ${how} is sent when it is another, once`,
      server,
      ...rotated(secretive()),
      check({ bodies, state }) {
        expect(passwords(bodies("PUT"))).toEqual(["second-secret-word"]);
        expect(state("user").split("/")[0]).toBe("True");
      },
    },
  ]),
  {
    name: "05: so it is where upToDate hides it",
    server: hidesPassword,
    ...rotated(secretive({ upToDate: ".response.body.name == .parameters.name" })),
    check({ bodies }) {
      expect(passwords(bodies("PUT"))).toEqual(["second-secret-word"]);
    },
  },
  {
    name: "a password inside an expression that makes the whole body does not keep the rest from being compared",
    server: keeper({ show: withoutPassword, drift: (body) => ({ ...body, name: "by hand" }) }),
    ...rotated(
      secretive({
        create: { url: "$URL/users", body: { json: "${ .parameters + {password: .inputs.password} }" } },
        update: { url: one, body: { json: "${ .parameters + {password: .inputs.password} }" } },
      }),
    ),
    check({ bodies, state }) {
      expect(passwords(bodies("PUT"))).toEqual(["first-secret-word", "second-secret-word"]);
      expect(state("user").split("/")[0]).toBe("True");
    },
  },
  {
    name: "an object that was there already is sent the password once",
    server: () => {
      let name = "ada";
      return ({ method, body }) => {
        if (method === "PUT") name = String(body["name"]);
        return { body: { id: 7, name } };
      };
    },
    manifests: {
      "HTTPResource/user": {
        ...secretive(),
        externalID: ".parameters.name",
        create: { url: "$URL/users", body: { json: withPassword } },
      },
      "Secret/pw": { password: "first-secret-word" },
    },
    check({ sent, bodies, state }) {
      expect([sent("POST"), passwords(bodies("PUT"))]).toEqual([[], ["first-secret-word"]]);
      expect(state("user").split("/")[0]).toBe("True");
    },
  },
  {
    name: "what only update reads of Secrets is sent once after a create",
    server: hidesPassword,
    ...rotated(secretive({ create: { url: "$URL/users", body: { json: { name: "ada" } } } })),
    check({ bodies }) {
      expect(passwords(bodies("PUT"))).toEqual(["first-secret-word", "second-secret-word"]);
    },
  },
  {
    name: "a field that is declared no more is sent for",
    server: keeper(),
    manifests: { "HTTPResource/user": user({ name: "x", note: "y" }) },
    after: { "HTTPResource/user": user({ name: "x" }) },
    check({ bodies }) {
      expect(bodies("PUT")).toEqual(['{"name":"x"}']);
    },
  },
  {
    name: "15: an envelope is corrected for ever no more, as manifests were written",
    server: keeper({ show: (body) => ({ data: body }) }),
    manifests: {
      "HTTPResource/thing": {
        ...user({ size: 2 }),
        externalID: ".response.body.data.id",
        update: { url: one, body: { mergePatch: { size: 2 } } },
      },
    },
    check({ sent, state }) {
      expect(sent("PATCH").length).toBeLessThanOrEqual(5);
      expect(state("thing")).toBe("False/NotHeld Contested");
    },
  },
  {
    name: "15: what an envelope holds can be said",
    server: keeper({ show: (body) => ({ data: body }), drift: (body) => ({ ...body, size: 5 }) }),
    manifests: {
      "HTTPResource/thing": {
        ...user({ size: 2 }),
        externalID: ".object.id",
        observe: { url: one, object: ".response.body.data" },
        update: { url: one, body: { mergePatch: { size: 2 } } },
      },
    },
    check({ bodies, state }) {
      expect(bodies("PATCH")).toEqual(['{"size":2}']);
      expect(state("thing").split("/")[0]).toBe("True");
    },
  },
  {
    name: "what update wraps can be said",
    server: keeper({
      keep: (body) => (body["input"] as Record<string, unknown> | undefined) ?? body,
      show: (body) => ({ node: body }),
      drift: (body) => ({ ...body, color: "by hand" }),
    }),
    manifests: {
      "HTTPResource/label": {
        ...user({ name: "bug", color: "red" }),
        externalID: ".object.id",
        observe: { url: one, object: ".response.body.node" },
        update: { url: one, object: ".body.input", body: { json: { query: "mutation", input: "${ .parameters }" } } },
      },
    },
    check({ sent, state }) {
      expect(sent("PUT")).toHaveLength(1);
      expect(state("label").split("/")[0]).toBe("True");
    },
  },
  {
    name: "51: a form is compared with what the answer shows, and drift is corrected",
    server: forms(true),
    manifests: {
      "HTTPResource/thing": {
        parameters: { size: "2" },
        observe: { url: "$URL/things/x" },
        update: {
          url: "$URL/things/x",
          body: {
            form: [
              { name: "name", value: "x" },
              { name: "size", value: "${ .parameters.size }" },
            ],
          },
        },
        interval: "1s",
      },
    },
    check({ sent, state }) {
      expect(sent("PUT")).toHaveLength(2);
      expect(state("thing").split("/")[0]).toBe("True");
    },
  },
  {
    name: "a text is compared with a text",
    server: files("old"),
    manifests: {
      "HTTPResource/file": {
        observe: { url: "$URL/a.txt" },
        update: { url: "$URL/a.txt", body: { text: "new" } },
        interval: "1s",
      },
    },
    after: {
      "HTTPResource/file": {
        observe: { url: "$URL/a.txt" },
        update: { url: "$URL/a.txt", body: { text: "newer" } },
        interval: "1s",
      },
    },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(["new", "newer"]);
      expect(state("file").split("/")[0]).toBe("True");
    },
  },
  {
    name: "what a ConfigMap holds is delivered where nothing can be compared, and when it changes",
    server: blobs(),
    manifests: {
      "HTTPResource/blob": {
        observe: { url: "$URL/blob" },
        update: { url: "$URL/blob", body: { configMapKeyRef: { name: "config", key: "a" } } },
        interval: "1s",
      },
      "ConfigMap/config": { a: "one" },
    },
    after: {
      "HTTPResource/blob": {
        observe: { url: "$URL/blob" },
        update: { url: "$URL/blob", body: { configMapKeyRef: { name: "config", key: "a" } } },
        interval: "1s",
      },
      "ConfigMap/config": { a: "two" },
    },
    check({ bodies, state }) {
      expect(bodies("PUT")).toEqual(["one", "two"]);
      expect(state("blob").split("/")[0]).toBe("True");
    },
  },
];
