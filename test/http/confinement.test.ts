/**
 * What goes out with an endpoint's credential goes below its base, whichever way a place is named: one table over all of them,
 * against a real server, whose requests' raw targets a set of readers takes apart.
 */
import { describe, expect, test } from "@jest/globals";
import type { AuthSources } from "../../src/core/auth.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { at, exchange, fromSecret, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { whoLeaves } from "../support/url-readers.ts";

const base = "/tenants/a";
const objects = { secrets: { admin: { token: "the-admins-token" } } };
const field = 'ClusterHTTPEndpoint "crm": spec.auth.bearer';
const auth: AuthSources = { field, type: "bearer", token: fromSecret("admin", "token", `${field}.token`) };
const endpoint = { key: { namespace: "", name: "crm" }, credentialNamespace: "admin", title: 'ClusterHTTPEndpoint "crm"' };

/** What comes after the base. A server of some kind takes each for another place than one below it. */
const dots = [
  "..",
  ".",
  "..;",
  "..;a=b",
  "..;/x/..;",
  "...;",
  "....",
  ". .",
  "..%20",
  "%20..",
  "..%20.",
  "..%09",
  "..%00",
  "..%00.json",
].concat(
  ["%2e%2e", "%2E.", ".%2e", "%252e%252e", "%252E.", "%25252e%25252e", "..%3b", "..%3Ba", "..%253b", "%2e%2e;", "%2e%2e%3b"],
  [
    "%c0%ae%c0%ae",
    "%c0%2e%c0%2e",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae.",
    "%c0%ae.",
    "%25c0%25ae%25c0%25ae",
    "%fc%80%80%80%80%ae.",
  ],
  [
    "%ef%bc%8e%ef%bc%8e",
    "\uff0e\uff0e",
    "\u2025",
    "%e2%80%a5",
    "%e2%80%a4%e2%80%a4",
    "..%e2%80%8b",
    "%e2%80%8b..",
    "..%ef%bb%bf",
  ],
  [
    "..%0a",
    "..%0d%0a",
    "%7f..",
    "..%7f",
    "..%c2%85",
    "..%3f",
    "..%23",
    "..%253f",
    "%u002e%u002e",
    "%25u002e%25u002e",
    "..::$DATA",
    "..%2f",
    "..%5c",
  ],
);
const separators = [
  "/",
  "%2f",
  "%2F",
  "%252f",
  "%5c",
  "%5C",
  "%255c",
  "\\",
  "%c0%af",
  "%ef%bc%8f",
  "\uff0f",
  "%e2%88%95",
  "//",
  "/%2f",
  "/;/",
];
const others = [
  "//admin.example/secret",
  "/a//secret",
  "/a%00/secret",
  "/a%0d%0aX-Admin:%20yes/secret",
  "/a%zz/secret",
  "/%",
  "/a%252525252f..%2f",
];
const table = [
  ...dots.flatMap((one) => [`/x/${one}/${one}/secret`, `/${one}/secret`, `/${one}`, `/x/${one}/${one}/${one}/admin/secret`]),
  ...separators.flatMap((one) => [`/x${one}..${one}..${one}secret`, `/..${one}secret`, `/x${one}..;${one}..;${one}secret`]),
  ...others,
];
const elsewhere = [
  "/admin/secret",
  "/tenants",
  "/tenants/b/secret",
  "/tenants/ab/secret",
  "/tenants/a;x/secret",
  "/tenants/a%2fsecret",
  "/Tenants/A/secret",
].concat([
  "/tenants/./a/../b",
  "/tenants/%61/secret",
  "/tenants//a/secret",
  "//tenants/a/secret",
  "/tenants/a./secret",
  "/tenants/a%20/secret",
]);
const honest = [
  "",
  "/",
  "/teams/platform",
  "/teams/1%20a/b.c/..d",
  "/.well-known/x",
  "/50%25",
  "/caf%C3%A9",
  "/v;rev=2/x",
  "/a:b@c",
  "/~me/x_y-z",
  "/a.",
  "/-.-",
];

/** As an expression yields them: each is one segment, whatever is in it. */
const honestValues = ["platform", "1 a", "50%", "50%25", "café", "a:b@c;d", "~me", ".env", "a.", "日本…", "x?y#z"];

interface World {
  readonly http: TestRequester;
  readonly server: LoopbackServer;
  /** Where the request for `/start` is redirected to. */
  redirectTo(location: string): void;
  readonly confined: boolean;
}
type Way = (world: World, reference: string) => Promise<Outcome>;

function joined({ server, confined }: World, path: string): Parameters<typeof exchange>[0] {
  const url = { type: "joined", base: `${server.url}${base}`, path: at("spec.path", path) } as const;
  return { url: confined ? { ...url, confined } : url, auth, endpoint };
}
const link = (world: World, value: string): Parameters<typeof exchange>[0] => ({
  ...joined(world, "${ .inputs.value }"),
  inputs: { value: literal(value) },
});
const send = ({ http }: World, what: Parameters<typeof exchange>[0]): Promise<Outcome> => http.send(exchange(what), { objects });
const written = (text: string): string => text.replaceAll("${", () => "$${");
const absolute = ({ server }: World, path: string): string => `${server.url}${path}`;

/** Ways in which a whole place is named: a path of its host, or a URL. */
const placed: Readonly<Record<string, Way>> = {
  "a next page, as a path": (world, path) =>
    send(world, { ...joined(world, "/start"), request: { page: at("spec.lookup.next", path) } }),
  "a next page, as a URL": (world, path) =>
    send(world, { ...joined(world, "/start"), request: { page: at("spec.lookup.next", absolute(world, path)) } }),
  "a poll's URL, as a path": (world, path) =>
    send(world, { ...joined(world, "/start"), request: { location: at("spec.poll.url", written(path)) } }),
  "a poll's URL, as a URL": (world, path) =>
    send(world, { ...joined(world, "/start"), request: { location: at("spec.poll.url", written(absolute(world, path))) } }),
  "a poll's URL, as an expression's value": (world, path) =>
    send(world, {
      ...joined(world, "/start"),
      inputs: { value: literal(absolute(world, path)) },
      request: { location: at("spec.poll.url", "${ .inputs.value }") },
    }),
  "a link, as a path": (world, path) => send(world, link(world, path)),
  "a link, as a URL": (world, path) => send(world, link(world, absolute(world, path))),
  "a path that is one whole expression": (world, path) =>
    send(world, { ...joined(world, "${ .inputs.value }"), inputs: { value: literal(path) } }),
  "a URL that a whole expression yields": (world, path) =>
    send(world, { ...joined(world, "${ .inputs.value }"), inputs: { value: literal(absolute(world, path)) } }),
  "a redirect": (world, path) => {
    world.redirectTo(Buffer.from(path).toString("latin1"));
    return send(world, joined(world, "/start"));
  },
  "a redirect to a URL": (world, path) => {
    world.redirectTo(Buffer.from(absolute(world, path)).toString("latin1"));
    return send(world, joined(world, "/start"));
  },
};
/** Ways in which only what comes after the base is named. */
const own: Readonly<Record<string, Way>> = {
  "the request's own path": (world, rest) => send(world, joined(world, written(rest === "" ? "/" : rest))),
  "a link": (world, rest) => send(world, link(world, rest.replace(/^\//, "") || "?a=b")),
  "a query parameter": (world, rest) =>
    send(world, {
      ...joined(world, "/start"),
      request: { query: [{ name: rest || "a", ...at("spec.query[0].value", written(rest)) }] },
    }),
};
const yielded: Readonly<Record<string, Way>> = {
  "an expression in its path": (world, rest) => {
    const value = rest.startsWith("/") ? rest.slice(1) : rest;
    return send(world, { ...joined(world, "/${ .inputs.value }"), inputs: { value: literal(value) } });
  },
  "an expression behind text": (world, rest) =>
    send(world, { ...joined(world, "/x-${ .inputs.value }"), inputs: { value: literal(rest) } }),
};

async function inWorld(confined: boolean, run: (world: World) => Promise<void>): Promise<void> {
  let location = "";
  await using server = await loopbackServer(({ url }, response) =>
    url === `${base}/start` && location !== "" ? response.writeHead(302, { location }).end() : response.end("{}"),
  );
  await using http = testRequester();
  await run({ http, server, confined, redirectTo: (place) => (location = place) });
}
/** Those with the credential that anybody reads as another place. */
function escaped({ requests }: LoopbackServer): readonly unknown[] {
  return requests
    .filter(({ headers }) => headers.authorization !== undefined)
    .map(({ url }) => ({ url, leaves: whoLeaves(base, url.split("?")[0] ?? "") }))
    .filter(({ leaves }) => leaves.length > 0);
}

describe.each([
  ["a ClusterHTTPEndpoint", true],
  ["an HTTPEndpoint", false],
])("the credential of %s", (_title, confined) => {
  test.each(Object.entries({ ...placed, ...own, ...yielded }))("does not leave its base by %s", async (name, way) => {
    const places = Object.hasOwn(placed, name) ? [...table.map((rest) => `${base}${rest}`), ...elsewhere] : table;
    await inWorld(confined, async (world) => {
      for (const place of places) {
        const before = world.server.requests.length;
        const outcome = await way(world, place);
        if (outcome.type === "refusal") {
          const said = [place, outcome.reason, outcome.message];
          expect(said).toEqual([place, "InvalidURL", expect.stringMatching(/^spec\.(path|lookup\.next|poll\.url): /)]);
          expect(world.server.requests.length).toBe(before);
        }
      }
      expect(escaped(world.server)).toEqual([]);
    });
  });

  test.each(Object.entries({ ...placed, ...own, ...yielded }))("reaches honest places below it by %s", async (name, way) => {
    const places = Object.hasOwn(placed, name) ? honest.map((rest) => `${base}${rest}`) : honest;
    await inWorld(confined, async (world) => {
      for (const place of Object.hasOwn(yielded, name) ? honestValues : places) {
        const outcome = await way(world, place);
        expect([place, outcome]).toMatchObject([place, { type: "response", response: { statusCode: 200 } }]);
        expect(world.server.requests.at(-1)?.headers.authorization).toBe("Bearer the-admins-token");
      }
      expect(escaped(world.server)).toEqual([]);
    });
  });
});

test("an expression's value with slashes is one segment on an HTTPEndpoint, and refused on a ClusterHTTPEndpoint", async () => {
  const value = { value: literal("group/name") };
  for (const confined of [true, false])
    await inWorld(confined, async (world) => {
      const outcome = await send(world, { ...joined(world, "/${ .inputs.value }/issues"), inputs: value });
      expect(outcome.type).toBe(confined ? "refusal" : "response");
      expect(world.server.requests.map(({ url }) => url)).toEqual(confined ? [] : [`${base}/group%2Fname/issues`]);
    });
});

test("in a URL without an endpoint an expression's value is one segment, whatever it holds", async () => {
  await inWorld(false, async (world) => {
    const values = ["../../admin?x#y", "..;", "a/./b", "%2e%2e", "\uff0e\uff0e"];
    for (const value of values)
      await send(world, { url: `${world.server.url}/x/\${ .inputs.value }/end`, inputs: { value: literal(value) } });
    expect(world.server.requests.map(({ url }) => url)).toEqual(values.map((value) => `/x/${encodeURIComponent(value)}/end`));
  });
});
