/** A GraphQL server: one URL, every request a POST, and errors in a 200. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { declare, endpoint, resource, until, type Declared, type Manifest } from "./declared.ts";
import { startNpmServer, type NpmServer } from "./npm-servers.ts";

let server: NpmServer;
let declared: Declared;
const started = new AsyncDisposableStack();

interface Label {
  readonly id: string;
  readonly name: string;
  readonly color: string;
}
async function ask(query: string, variables: object = {}): Promise<Readonly<Record<string, unknown>>> {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return ((await response.json()) as { readonly data: Readonly<Record<string, unknown>> }).data;
}
const labels = async (): Promise<readonly Label[]> => (await ask("{ labels { id name color } }"))["labels"] as readonly Label[];

const post = (query: string, variables: object): object => ({
  path: "/graphql",
  method: "POST",
  body: { json: { query, variables } },
});
const manifests = (color: string): readonly Manifest[] => [
  endpoint("github", { baseURL: server.url, refusedIf: ".response.body.errors? != null" }),
  resource("bug", {
    endpointRef: { name: "github" },
    parameters: { name: "bug", color },
    externalID: ".object.id",
    lookup: {
      ...post("{ labels { id name } }", {}),
      items: ".response.body.data.labels",
      match: ".item.name == .parameters.name",
    },
    observe: {
      ...post("query ($id: ID!) { label(id: $id) { id name color } }", { id: "${ .externalID }" }),
      object: ".response.body.data | (.label // .createLabel // .updateLabel)",
    },
    create: post("mutation ($input: LabelInput!) { createLabel(input: $input) { id } }", { input: "${ .parameters }" }),
    update: {
      ...post("mutation ($id: ID!, $input: LabelInput!) { updateLabel(id: $id, input: $input) { id } }", {
        id: "${ .externalID }",
        input: "${ .parameters }",
      }),
      object: ".body.variables.input",
    },
    delete: post("mutation ($id: ID!) { deleteLabel(id: $id) }", { id: "${ .externalID }" }),
    interval: "1s",
  }),
];

beforeAll(async () => {
  server = started.use(await startNpmServer("graphql"));
  declared = started.use(await declare(manifests("d73a4a")));
  await declared.ready("bug");
});
afterAll(() => started.disposeAsync());

test("a label is made once, and stays as it is", async () => {
  await sleep(2_500);
  expect(await labels()).toEqual([{ id: "L_1", name: "bug", color: "d73a4a" }]);
  await declared.ready("bug");
});
test("a label that somebody changed is put right, and one that somebody deleted is made again", async () => {
  await ask('mutation { updateLabel(id: "L_1", input: { name: "bug", color: "000000" }) { id } }');
  await until(
    async () => (await labels())[0]?.color === "d73a4a",
    () => declared.state("bug"),
  );
  await ask('mutation { deleteLabel(id: "L_1") }');
  await until(
    async () => (await labels())[0]?.id === "L_2",
    () => declared.state("bug"),
  );
});
test("a label that somebody made anew under another id is taken, and not made twice", async () => {
  await declared.ready("bug");
  await ask('mutation { deleteLabel(id: "L_2") createLabel(input: { name: "bug", color: "d73a4a" }) { id } }');
  await until(
    () => JSON.stringify(declared.object("bug")?.status).includes('"externalID":"L_3"'),
    () => declared.state("bug"),
  );
  expect(await labels()).toEqual([{ id: "L_3", name: "bug", color: "d73a4a" }]);
});
test("what the server refuses in a 200 is no change, and is said until it is mended", async () => {
  await declared.change(manifests("no colour"));
  await until(
    () => declared.state("bug").startsWith("False/Refused"),
    () => declared.state("bug"),
  );
  expect((await labels())[0]?.color).toBe("d73a4a");
  await declared.change(manifests("0e8a16"));
  await until(
    async () => (await labels())[0]?.color === "0e8a16",
    () => declared.state("bug"),
  );
  await declared.ready("bug");
});
test("it goes when nothing is declared any more", async () => {
  await declared.change([]);
  await until(
    async () => (await labels()).length === 0,
    () => declared.state("bug"),
  );
});
test("a label that is there already is adopted", async () => {
  await ask('mutation { createLabel(input: { name: "bug", color: "d73a4a" }) { id } }');
  await using another = await declare(manifests("d73a4a"));
  await another.ready("bug");
  expect(another.state("bug")).toMatch(/^True\/Adopted/);
  expect(await labels()).toHaveLength(1);
});
