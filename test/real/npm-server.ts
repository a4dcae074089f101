/**
 * One of the servers from npm, as a process: `server.ts NAME FOLDER PORT DATA`. FOLDER is where ensure-npm.sh installed them.
 * For each request that is not made by hand (`x-by: hand`) a line on stdout: method, URL, status. It is there before the answer is, so
 * that whoever has had the answer finds it.
 */
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [name = "", folder = "", port = "", data = ""] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
/** What these packages say of themselves is checked by the tests, and by nothing else. */
const load = (module: string): unknown => require(module);
const url = `http://127.0.0.1:${port}`;

function couchdb(): RequestListener {
  interface PouchDB {
    plugin(plugin: unknown): PouchDB;
    defaults(options: object): PouchDB;
  }
  const core = load("pouchdb-core") as PouchDB;
  const pouch = core.plugin(load("pouchdb-adapter-memory")).plugin(load("pouchdb-mapreduce")).defaults({ adapter: "memory" });
  const express = load("express") as () => RequestListener & { use(handler: unknown): void };
  const app = express();
  const api = load("express-pouchdb") as (pouch: PouchDB, options: object) => unknown;
  app.use(api(pouch, { inMemoryConfig: true, logPath: join(data, "couchdb.log"), mode: "minimumForPouchDB" }));
  return app;
}

/** Labels, by their ids; a colour that is none is an error in a 200. */
function graphql(): RequestListener {
  const { createSchema, createYoga } = load("graphql-yoga") as {
    readonly createSchema: (definition: object) => unknown;
    readonly createYoga: (options: object) => RequestListener;
  };
  const { GraphQLError } = load("graphql") as { GraphQLError: new (message: string, options: object) => Error };
  interface Label {
    readonly id: string;
    readonly name: string;
    readonly color: string;
  }
  const all = new Map<string, Label>();
  let count = 0;
  const keep = (id: string, input: Omit<Label, "id">): Label => {
    if (!/^[0-9a-f]{6}$/.test(input.color)) throw new GraphQLError("no colour", { extensions: { code: "BAD_USER_INPUT" } });
    const label = { id, ...input };
    all.set(id, label);
    return label;
  };
  const typeDefs = `
    type Label { id: ID! name: String! color: String! }
    input LabelInput { name: String! color: String! }
    type Query { label(id: ID!): Label labels: [Label!]! }
    type Mutation { createLabel(input: LabelInput!): Label updateLabel(id: ID!, input: LabelInput!): Label deleteLabel(id: ID!): Boolean }`;
  const resolvers = {
    Query: { label: (_: unknown, { id }: Label) => all.get(id), labels: () => [...all.values()] },
    Mutation: {
      createLabel: (_: unknown, { input }: { input: Label }) => keep(`L_${(count += 1)}`, input),
      updateLabel: (_: unknown, { id, input }: { id: string; input: Label }) => keep(id, input),
      deleteLabel: (_: unknown, { id }: Label) => all.delete(id),
    },
  };
  return createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false, graphiql: false });
}

/** Clients register themselves with the token `register-here`, and what they register can be read and changed with a token of its own. */
function oidc(): RequestListener {
  const { Provider } = load("oidc-provider") as {
    Provider: new (issuer: string, configuration: object) => { callback(): RequestListener };
  };
  const registration = { enabled: true, initialAccessToken: "register-here" };
  return new Provider(url, {
    features: {
      registration,
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      devInteractions: { enabled: false },
    },
  }).callback();
}

/** Buckets below the folder `s3`, for the key S3RVER with the secret S3RVER. */
function s3(): RequestListener {
  const S3rver = load("s3rver") as new (options: object) => { callback(): RequestListener };
  return new S3rver({ directory: join(data, "s3"), silent: true, vhostBuckets: false }).callback();
}

const make = { couchdb, graphql, oidc, s3 }[name];
if (!make) throw new Error(`there is no server ${name}`);
const handle = make();
createServer((request, response) => {
  const { method, url } = request;
  const end = response.end.bind(response);
  Object.assign(response, {
    end(...content: Parameters<typeof end>): unknown {
      if (request.headers["x-by"] !== "hand") console.log(`${method} ${url} ${response.statusCode}`);
      return end(...content);
    },
  });
  handle(request, response);
}).listen(Number(port), "127.0.0.1");
