/** What `holdfast convert --idiomatic` writes as one would by hand. */
import { expect, test } from "@jest/globals";
import { readObject } from "../../src/standalone/object.ts";
import {
  openTranslator,
  peerConfig,
  peerDisposable,
  peerDocuments,
  peerFiles,
  peerObject,
  peerRequest,
  peerText,
} from "../support/peer-objects.ts";

const { translated } = openTranslator();
const choices = { idiomatic: true };

const url = '.payload.baseUrl + "/one"';
const request = (
  body: string,
  { create = ".payload.body", update = ".payload.body", ...more }: Readonly<Record<string, unknown>> = {},
): unknown =>
  peerRequest({
    payload: { baseUrl: "http://origin.example/things", body },
    headers: { "Content-Type": ["application/json"], Accept: ["application/json"] },
    mappings: [
      { action: "CREATE", url: ".payload.baseUrl", body: create },
      { action: "OBSERVE", url },
      { action: "UPDATE", url, body: update },
      { action: "REMOVE", url },
    ],
    ...more,
  });

test("what create and update both send is what the object is about, and nothing has a type that has no content", async () => {
  const { manifest, findings } = await translated(request('{"name":"ada","size":12345678901234567890,"list":[1,null]}'), {
    choices,
  });
  const typed = [
    { name: "Content-Type", value: "application/json" },
    { name: "Accept", value: "application/json" },
  ];
  const headers = typed.slice(1);
  const body = { json: "${ .parameters }" };
  const at = "http://origin.example/things/one";
  expect(JSON.parse(JSON.stringify(manifest?.spec))).toEqual({
    parameters: { name: "ada", size: Number("12345678901234567890"), list: [1, null] },
    observe: { url: at, headers },
    create: { url: "http://origin.example/things", headers: typed, body },
    update: { url: at, headers: typed, body },
    delete: { url: at, headers },
    interval: "1m",
    timeout: "5m",
  });
  expect(JSON.stringify(manifest)).toContain('"size":12345678901234567890');
  expect(Object.keys(manifest?.spec ?? {})[0]).toBe("parameters");
  expect(findings).toContainEqual({
    level: "INFO",
    field: "delete.headers",
    message: "Content-Type is left out: there is no content",
  });
});

test.each<[string, unknown]>([
  ["a Secret is inserted", request('{"word":"{{ a:here:b }}"}')],
  ["an expression would stand in it as text", request('{"word":"${ .inputs }"}')],
  ["both differ", request('{"name":"ada"}', { update: "{name: .payload.body.name, more: 1}" })],
  ["both are written in another order", request('{"a":1,"b":2}', { create: "{a: 1, b: 2}", update: "{b: 2, a: 1}" })],
  ["a number has an exponent", request('{"size":1e300}')],
  ["it is text", request('{"name":"ada"}', { create: ".payload.body.name", update: ".payload.body.name" })],
  [
    "a check asks for parameters of its own",
    request('{"name":"ada"}', { expectedResponseCheck: { type: "CUSTOM", logic: ".response.body.name == .payload.body.name" } }),
  ],
])("bodies stay as they are where %s", async (_, value) => {
  const [written, plain] = [await translated(value, { choices }), await translated(value)];
  for (const verb of ["create", "update"]) expect(written.manifest?.spec[verb]).toEqual(plain.manifest?.spec[verb]);
  expect(written.manifest?.spec["parameters"]).toEqual(plain.manifest?.spec["parameters"]);
});

test.each<[string, object, readonly string[]]>([
  ['{"a":"b","n":9223372036854775807}', { json: { a: "b", n: "#" } }, []],
  ['{"n":-9223372036854775808}', { json: { n: "-#-" } }, []],
  // What the API server would change, or refuse.
  ['{"n":9223372036854775808}', { text: '{"n":9223372036854775808}' }, []],
  ['[{"n":[12345678901234567890]}]', { text: '[{"n":[12345678901234567890]}]' }, []],
  ['{"n":100000000000000000000}', { json: { n: 1e20 } }, []],
  ['{"n":1e+21}', { json: { n: 1e21 } }, []],
  ['{"n":1e400}', { text: '{"n":1e400}' }, []],
  ['{"n":-0}', { text: '{"n":-0}' }, []],
  [String.raw`{"a":"\ud83d"}`, { text: String.raw`{"a":"\ud83d"}` }, []],
  [String.raw`{"\ud83d":"a"}`, { text: String.raw`{"\ud83d":"a"}` }, []],
  [String.raw`{"a":"\u0000\u0001"}`, { json: { a: "\u0000\u0001" } }, []],
  ['{"b":1,"a":[{"d":2,"c":3}]}', { json: { b: 1, a: [{ d: 2, c: 3 }] } }, ["INFO body"]],
  ['[{"a":"${ x }"}]', { json: [{ a: "$${ x }" }] }, []],
  ['{ "a": "b  c",\n "d": [1, 2] }', { json: { a: "b  c", d: [1, 2] } }, ["INFO body"]],
  ['{"a":"x {{ s:here:k }}"}', { json: { a: "x ${ .inputs.s_k }" } }, ["CHANGE body"]],
  ['{"a":{{ s:here:k }}}', { text: '{"a":${ .inputs.s_k }}' }, []],
  ['{"{{ s:here:k }}":"{{ s:here:k }}"}', { text: '{"${ .inputs.s_k }":"${ .inputs.s_k }"}' }, []],
  ['{"a":1.0}', { text: '{"a":1.0}' }, []],
  ['{"a":1,"a":2}', { text: '{"a":1,"a":2}' }, []],
  ['{"2":1,"1":2}', { text: '{"2":1,"1":2}' }, []],
  [String.raw`{"a":"\u0041"}`, { text: String.raw`{"a":"\u0041"}` }, []],
  ['"text"', { text: '"text"' }, []],
  ["12", { text: "12" }, []],
  ["no JSON", { text: "no JSON" }, []],
])("what is sent once, and is %s", async (text, body, told) => {
  const value = peerDisposable({
    method: "PUT",
    body: text,
    headers: { "Content-Type": ["application/json"] },
    rollbackRetriesLimit: 2,
  });
  const { manifest, findings } = await translated(value, { choices });
  const shown = JSON.stringify(manifest?.spec["body"])
    .replace(":9223372036854775807", ':"#"')
    .replace("-9223372036854775808", '"-#-"');
  expect(JSON.parse(shown)).toEqual(body);
  expect(findings.map(({ level, field }) => `${level} ${field}`)).toEqual(told);
  const plain = await translated(value);
  expect(Object.keys(plain.manifest?.spec["body"] ?? {})).toEqual(["text"]);
});

test.each([
  ["deep", "[".repeat(50_000) + "]".repeat(50_000)],
  ["large", `[${"1,".repeat(20_000)}1]`],
])("what is too %s for a spec stays text", async (_, body) => {
  const { manifest, findings } = await translated(peerDisposable({ method: "PUT", body }), { choices });
  expect(manifest?.spec["body"]).toEqual({ text: body });
  expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
});

test("an endpoint goes with it", async () => {
  const config = peerConfig({ name: "login", namespace: "here" });
  const { manifest } = await translated(request('{"name":"ada"}'), { choices, config, endpoints: true });
  expect(manifest?.spec).toMatchObject({ endpointRef: { name: "it" }, parameters: { name: "ada" }, create: { path: "/things" } });
});

test("every shape of the peer's examples becomes a valid manifest", async () => {
  for (const document of peerFiles.flatMap((file) => peerDocuments(peerText(file)))) {
    if (peerObject(document).type === "config") continue;
    const { manifest, findings } = await translated(document, { choices });
    expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
    expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
  }
});
