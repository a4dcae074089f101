/** A secret in each place of an update in which one can stand: sent when it changes, once, while everything else is compared. */
import { expect } from "@jest/globals";
import { both, life, type Kept as Thing } from "../life.ts";
import type { Asked, RemoteCase } from "../remote-servers.ts";

const password = "${ .inputs.password }";
const inputs = { password: { secretKeyRef: { name: "s", key: "password" } } };
/** By the place: what update is, what of a request the server takes for the password, and what it shows of it. */
interface Place {
  readonly update: object;
  readonly taken: (asked: Asked) => string;
  readonly shown?: Thing;
  readonly size?: (asked: Asked) => unknown;
  readonly more?: object;
}
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const json = (value: object): object => ({ body: { json: value } });
const sizeOf = ({ body }: Asked): unknown => body["size"];
const places: Readonly<Record<string, Place>> = {
  "a merge patch, masked in the answer": {
    update: { method: "PATCH", body: { mergePatch: { size: "${ .parameters.size }", auth: { password } } } },
    taken: ({ body }) => textOf((body["auth"] as Thing | undefined)?.["password"]),
    shown: { auth: { password: "****" } },
  },
  "an item of a list": {
    update: json({ size: "${ .parameters.size }", users: [{ name: "a", password }, { name: "b" }] }),
    taken: ({ body }) => textOf((body["users"] as Thing[] | undefined)?.[0]?.["password"]),
    shown: {
      users: [
        { name: "a", password: null },
        { name: "b", role: "x" },
      ],
    },
  },
  "JSON within a text": {
    update: json({ size: "${ .parameters.size }", config: '${ {user: "a", password: .inputs.password} | tojson }' }),
    taken: ({ body }) => (JSON.parse(textOf(body["config"]) || "{}") as { password?: string }).password ?? "",
    shown: { config: "hidden" },
  },
  "a text in base64": {
    update: json({ size: "${ .parameters.size }", auth: '${ "a:" + .inputs.password | @base64 }' }),
    taken: ({ body }) => Buffer.from(textOf(body["auth"]), "base64").toString().slice(2),
    shown: { auth: "…" },
  },
  "a header field": {
    update: { headers: [{ name: "X-Password", value: password }], ...json({ size: "${ .parameters.size }" }) },
    taken: ({ headers }) => String(headers["x-password"] ?? ""),
  },
  "the query": {
    update: { query: [{ name: "password", value: password }], ...json({ size: "${ .parameters.size }" }) },
    taken: ({ query }) => query.get("password") ?? "",
  },
  "a JSON Patch": {
    update: {
      method: "PATCH",
      idempotent: true,
      headers: [{ name: "Content-Type", value: "application/json-patch+json" }],
      body: {
        json: [
          { op: "replace", path: "/size", value: "${ .parameters.size }" },
          { op: "replace", path: "/password", value: password },
        ],
      },
      object: ".body | map({(.path[1:]): .value}) | add",
    },
    taken: ({ body }) => textOf((body as unknown as { value: unknown }[])[1]?.value),
    size: ({ body }) => (body as unknown as { value: unknown }[])[0]?.value,
  },
  "an object that is made by one expression": {
    update: json({ data: "${ .parameters + {password: .inputs.password} }" }),
    taken: ({ body }) => textOf((body["data"] as Thing | undefined)?.["password"]),
    size: ({ body }) => (body["data"] as Thing)["size"],
    more: { update: { object: ".body.data" } },
  },
};

export const secretPlaceCases: readonly RemoteCase[] = Object.entries(places).map(([where, place]) => {
  const { taken, shown = {}, size = sizeOf, more = {} } = place;
  return life({
    name: `a password in ${where} is sent once when it rotates, and what is beside it is put right`,
    product: () => {
      let it: Thing | undefined;
      return {
        kept: () => it ?? null,
        hand: () => (it = { ...it, size: 99 }),
        serve(asked) {
          const { method, body } = asked;
          if (method === "POST") {
            it = { size: body["size"], password: body["password"] };
            return { status: 201, body: { size: it["size"], ...shown } };
          }
          if (!it) return undefined;
          if (method === "DELETE") {
            it = undefined;
            return { status: 204 };
          }
          if (method !== "GET") it = { size: size(asked) ?? it["size"], password: taken(asked) || it["password"] };
          return { body: { size: it["size"], ...shown } };
        },
      };
    },
    ...both((n) => ({
      "Secret/s": { password: `password-number-${n}` },
      "HTTPResource/it": {
        inputs,
        parameters: { size: 1 },
        observe: { url: "$URL/it" },
        create: { url: "$URL/it", idempotent: true, body: { json: { size: 1, password } } },
        update: { url: "$URL/it", ...place.update, ...(more as { readonly update?: object }).update },
        delete: { url: "$URL/it" },
        interval: "1s",
      },
    })),
    history: [
      { size: 1, password: "password-number-1" },
      { size: 99, password: "password-number-1" },
      { size: 1, password: "password-number-1" },
      { size: 1, password: "password-number-2" },
    ],
    also: ({ sent }) => expect([...sent("PUT"), ...sent("PATCH")]).toHaveLength(2),
  });
});
