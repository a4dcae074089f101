/** Servers that people have told of in public, whose answers, or what they want of a request, are out of the common. */
import { expect } from "@jest/globals";
import type { Answer, RemoteCase } from "../remote-servers.ts";
import { envelope } from "./answers.ts";

const password = "pw12345678";
const secret = { "Secret/pw": { password } };
const fromSecret = { secretKeyRef: { name: "pw", key: "password" } };
const ready = (state: string): string | undefined => state.split("/")[0];

/** A login gives a cookie and a token, which are good for three requests. */
const sessions = (): RemoteCase["server"] => () => {
  let session = 0;
  let left = 0;
  let there: object | undefined;
  return ({ method, path, headers, body }): Answer | undefined => {
    if (path === "/login") {
      session += 1;
      left = 3;
      return { headers: { "set-cookie": [`sid=s${session}; Path=/; HttpOnly`, "theme=dark"] }, body: { csrf: `c${session}` } };
    }
    if (headers.cookie !== `sid=s${session}` || headers["x-csrf-token"] !== `c${session}`) return { status: 401 };
    if ((left -= 1) < 0) return { status: 401 };
    if (method === "POST") return { status: 201, body: (there = { id: 1, ...body }) };
    return there && { body: there };
  };
};
const token = [{ name: "X-CSRF-Token", value: "${ .inputs.csrf }" }];

const texts = ["123e10", "00123", "12345678901234567890123", "true", '"quoted"', "null", "1.10", "0x1F", "1E5", "plain\n"];
const keystore = Buffer.from([0x30, 0x82, 0xff, 0xfe, 0x00, 0x80, 0x41]);

const json = { "content-type": "application/json" };
/** By its path: what is answered, and what jq makes of that. */
const encodings: Readonly<Record<string, readonly [Answer, string]>> = {
  bom: [{ headers: json, body: Buffer.from('\uFEFF{"id":1}') }, ".response.body.id == 1"],
  utf16: [
    { headers: { "content-type": "application/json; charset=utf-16le" }, body: Buffer.from('\uFEFF{"id":1}', "utf16le") },
    ".response.body.id == 1",
  ],
  "utf16-unsaid": [{ headers: json, body: Buffer.from('\uFEFF{"id":1}', "utf16le") }, ".response.body.id == 1"],
  latin1: [
    { headers: { "content-type": 'text/plain; charset="ISO-8859-1"' }, body: Buffer.from('{"id":"é"}', "latin1") },
    '.response.body.id == "é"',
  ],
  xssi: [{ headers: json, body: ')]}\'\n{"id":1}' }, '(.response.body | ltrimstr(")]}\'\\n") | fromjson | .id) == 1'],
  ndjson: [
    { headers: { "content-type": "application/x-ndjson" }, body: '{"id":1}\n{"id":2}\n' },
    '(.response.body | split("\\n") | map(select(. != "") | fromjson | .id)) == [1, 2]',
  ],
  vendor: [{ headers: { "content-type": "application/vnd.api+json" }, body: '{"id":1}' }, ".response.body.id == 1"],
  twice: [{ headers: json, body: '{"id":0,"id":1}' }, ".response.body.id == 1"],
  // NaN is no JSON (RFC 8259, section 6), whatever the type says: the content is the text that it is.
  nan: [{ headers: json, body: '{"id":1,"x":NaN}' }, '.response.body == "{\\"id\\":1,\\"x\\":NaN}"'],
  empty: [{ status: 200 }, '.response.body == ""'],
};
const titled = (names: readonly string[], specOf: (name: string, index: number) => object) =>
  Object.fromEntries(names.map((name, index) => [`HTTPRequest/${name}`, specOf(name, index)]));

export const reportedAnswerCases: readonly RemoteCase[] = [
  {
    name: "22: a session that is over is nobody's absence, and the next one is used",
    server: sessions(),
    manifests: {
      ...secret,
      "HTTPRequest/login": {
        url: "$URL/login",
        method: "POST",
        body: { json: { user: "ada", password: "${ .inputs.password }" } },
        inputs: { password: fromSecret },
        schedule: { every: "5s" },
        outputs: [
          {
            secret: { name: "session" },
            data: { cookie: '.response.headers["set-cookie"][0] | split(";")[0]', csrf: ".response.body.csrf" },
            whenMissing: "Fail",
          },
        ],
      },
      "HTTPEndpoint/api": {
        baseURL: "$URL",
        auth: { apiKey: { name: "Cookie", value: { secretKeyRef: { name: "session", key: "cookie" } } } },
      },
      "HTTPResource/thing": {
        endpointRef: { name: "api" },
        inputs: { csrf: { secretKeyRef: { name: "session", key: "csrf" } } },
        parameters: { name: "x" },
        externalID: ".response.body.id",
        observe: { path: "/things/${ .externalID }", headers: token },
        create: { path: "/things", headers: token, body: { json: "${ .parameters }" } },
        interval: "1s",
      },
    },
    check({ requests, sent }) {
      expect(sent("POST").filter((line) => line.startsWith("POST /things"))).toEqual(["POST /things 201"]);
      const ended = requests.indexOf("GET /things/1 401");
      expect(ended).toBeGreaterThan(0);
      expect(requests.slice(ended)).toContain("GET /things/1 200");
    },
  },
  {
    name: "24: a token in plain text arrives as it is, whatever it looks like",
    server:
      () =>
      ({ path }) => ({ headers: { "content-type": "text/plain" }, body: texts[Number(path.slice(2))] }),
    manifests: titled(
      texts.map((_, index) => `t${index}`),
      (name) => ({ url: `$URL/${name}`, outputs: [{ configMap: { name }, data: { token: ".response.body" } }] }),
    ),
    check({ output }) {
      expect(texts.map((_, index) => output(`t${index}`)["token"]?.toString())).toEqual(texts);
    },
  },
  {
    name: "25: a keystore is kept byte by byte, or refused",
    server: () => () => ({ headers: { "content-type": "application/x-pkcs12" }, body: keystore }),
    manifests: {
      "HTTPRequest/as-text": {
        url: "$URL/keystore.p12",
        retry: { limit: 0 },
        outputs: [{ secret: { name: "as-text" }, data: { "keystore.p12": ".response.body" } }],
      },
      "HTTPRequest/as-bytes": {
        url: "$URL/keystore.p12",
        outputs: [{ secret: { name: "as-bytes" }, data: { "keystore.p12": ".response.base64" } }],
      },
    },
    check({ output, state }) {
      expect(state("as-text")).toMatch(/^False\/OutputNotText/);
      expect(output("as-text")).toEqual({});
      expect(output("as-bytes")["keystore.p12"]?.toString()).toBe(keystore.toString("base64"));
    },
  },
  {
    name: "28: each encoding, media type and oddity of JSON is read as it is meant",
    server:
      () =>
      ({ path }) =>
        encodings[path.slice(1)]?.[0],
    manifests: titled(Object.keys(encodings), (name) => ({
      url: `$URL/${name}`,
      retry: { limit: 0 },
      expect: { that: encodings[name]?.[1] },
    })),
    check({ state }) {
      const states = Object.keys(encodings).map((name) => [name, ready(state(name))]);
      expect(states).toEqual(Object.keys(encodings).map((name) => [name, "True"]));
    },
  },
  {
    name: "33: a server that wants Digest is named by what it wants",
    server: () => () => ({ status: 401, headers: { "www-authenticate": 'Digest realm="r", nonce="abc", qop="auth"' } }),
    manifests: {
      ...secret,
      "HTTPEndpoint/camera": { baseURL: "$URL", auth: { basic: { username: { value: "ada" }, password: fromSecret } } },
      "HTTPRequest/get": { endpointRef: { name: "camera" }, path: "/config" },
    },
    check({ state, message }) {
      expect(state("get")).toBe("False/UnexpectedStatus Stalled");
      expect(message("get")).toContain("asks for Digest");
    },
  },
  {
    name: "34: a function that jq does not have is named, and nothing is sent",
    server: () => () => ({ status: 202 }),
    manifests: {
      ...secret,
      "HTTPRequest/hook": {
        url: "$URL/hook",
        method: "POST",
        headers: [{ name: "X-Signature", value: 'sha256=${ {text: "deployed"} | tojson | hmac_sha256(.inputs.key) }' }],
        body: { json: { text: "deployed" } },
        inputs: { key: fromSecret },
      },
    },
    check({ requests, state, message }) {
      expect([requests, state("hook")]).toEqual([[], "False/InvalidExpression Stalled"]);
      expect(message("hook")).toContain("hmac_sha256/1 is not defined");
    },
  },
  {
    name: "40: an error in a 200 that the manifest knows is tried again",
    server: envelope(),
    manifests: {
      "HTTPResource/record": {
        parameters: { name: "x" },
        externalID: ".response.body.result.id",
        observe: {
          url: "$URL/records/${ .externalID }",
          expect: { that: ".response.body.success or .response.body.errors[0].code == 1001" },
        },
        exists: ".response.body.success",
        upToDate: ".response.body.result.name == .parameters.name",
        create: { url: "$URL/records", body: { json: "${ .parameters }" }, expect: { that: ".response.body.success" } },
        update: { url: "$URL/records/${ .externalID }", body: { json: "${ .parameters }" } },
        retry: { limit: 3, when: ["200"], backoff: { initial: "500ms" } },
        interval: "1s",
      },
    },
    check({ sent, state, status }) {
      expect(sent("POST")).toHaveLength(2);
      expect([ready(state("record")), status("record")["externalID"]]).toEqual(["True", "r1"]);
    },
  },
];
