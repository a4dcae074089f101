/** What a request carries, as the origin gets it: every form of body, byte by byte. */
import { describe, expect, test } from "@jest/globals";
import type { RequestShape } from "../../src/api/request.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { BodyTemplate } from "../../src/core/request-template.ts";
import { bodyTemplate as templateOf } from "../../src/kinds/request/body.ts";
import { exchange, fromSecret, literal, never, reader, testRequester, type Objects } from "../support/loopback-requester.ts";
import { loopbackServer, type ReceivedRequest } from "../support/loopback.ts";
import { shownBody } from "../support/shown-body.ts";

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const objects = {
  secrets: { files: { "a.bin": everyByte, token: "s3cr3t-v4lue", empty: "" } },
  configMaps: { files: { "logo.png": everyByte.toReversed(), text: "käse\r\n" } },
} satisfies Objects;

const bodyTemplate = (body: NonNullable<RequestShape["body"]>): BodyTemplate => templateOf(body, "spec.body");

interface Sent {
  readonly outcome: Outcome;
  readonly request: ReceivedRequest | undefined;
}
type Sending = Partial<Exchange["request"]> & { readonly inputs?: Exchange["scope"]["inputs"] };

async function send(
  body: NonNullable<RequestShape["body"]>,
  { inputs = {}, ...request }: Sending = {},
  answer?: string,
): Promise<Sent> {
  await using server = await loopbackServer(({ bytes }, response) => response.end(answer ?? bytes));
  await using http = testRequester();
  const asked = exchange({ url: server.url, inputs, request: { method: "POST", body: bodyTemplate(body), ...request } });
  const outcome = await http.send(asked, { objects });
  return { outcome, request: server.requests[0] };
}
/** The form that another parser makes of it. */
function parsed({ request }: Sent): Promise<FormData> {
  return new Response(request?.bytes, { headers: { "content-type": request?.headers["content-type"] ?? "" } }).formData();
}
const text = async (value: ReturnType<FormData["get"]>): Promise<string> =>
  value instanceof Blob ? value.text() : (value ?? "none");
const bytes = async (value: ReturnType<FormData["get"]>): Promise<Uint8Array> =>
  new Uint8Array(value instanceof Blob ? await value.arrayBuffer() : []);
const header = (value: string): Exchange["request"]["headers"] => [
  { name: "Content-Type", field: "spec.headers[0].value", text: value },
];

describe("wish 16: a body arrives byte by byte", () => {
  test.each<[string, NonNullable<RequestShape["body"]>, Uint8Array, string]>([
    ["of base64", { base64: Buffer.from(everyByte).toString("base64") }, everyByte, "application/octet-stream"],
    ["of base64 over several lines", { base64: "AAEC\nAwQF\n" }, everyByte.slice(0, 6), "application/octet-stream"],
    ["of a Secret's key", { secretKeyRef: { name: "files", key: "a.bin" } }, everyByte, "application/octet-stream"],
    ["of a key that is empty", { secretKeyRef: { name: "files", key: "empty" } }, new Uint8Array(), "application/octet-stream"],
    [
      "of a ConfigMap's key",
      { configMapKeyRef: { name: "files", key: "logo.png" } },
      everyByte.toReversed(),
      "application/octet-stream",
    ],
    ["of text", { text: "käse\r\n" }, Buffer.from("käse\r\n"), "text/plain; charset=utf-8"],
    ["of a JSON list", { json: [1, "a"] }, Buffer.from('[1,"a"]'), "application/json"],
  ])("%s", async (_what, body, expected, contentType) => {
    const { outcome, request } = await send(body);
    expect(outcome).toMatchObject({ type: "response" });
    expect(Uint8Array.from(request?.bytes ?? [])).toEqual(Uint8Array.from(expected));
    expect(request?.headers["content-type"]).toBe(contentType);
    expect(request?.headers["content-length"]).toBe(String(expected.length));
  });

  test("with the type that is given in place of its own", async () => {
    const { request } = await send({ base64: "AAEC" }, { headers: header("image/png") });
    expect(request?.headers["content-type"]).toBe("image/png");
  });

  test("with nothing in it looked at for expressions", async () => {
    const { request } = await send({ base64: Buffer.from("${ .inputs.x }").toString("base64") });
    expect(request?.body).toBe("${ .inputs.x }");
  });

  test("or is refused where its key is missing, so that nothing is sent in its place", async () => {
    const { outcome, request } = await send({ secretKeyRef: { name: "files", key: "nothing" } });
    expect(outcome).toMatchObject({
      type: "refusal",
      reason: "KeyNotFound",
      heals: true,
      message: 'spec.body.secretKeyRef: Secret "files" has no key "nothing"',
    });
    expect(request).toBeUndefined();
  });
});

describe("wish 17: a form", () => {
  test("is encoded as browsers do, repeated names and all", async () => {
    const sent = await send(
      {
        form: [
          { name: "grant_type", value: "password" },
          { name: "user name", value: "${ .inputs.user }" },
          { name: "n", value: "${ .inputs.count }" },
          { name: "n", value: "a+b & ü~*" },
        ],
      },
      { inputs: { user: literal("ada&admin=1"), count: literal(3) } },
    );
    expect(sent.request?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(sent.request?.body).toBe("grant_type=password&user+name=ada%26admin%3D1&n=3&n=a%2Bb+%26+%C3%BC%7E*");
    expect([...(await parsed(sent)).entries()]).toEqual([
      ["grant_type", "password"],
      ["user name", "ada&admin=1"],
      ["n", "3"],
      ["n", "a+b & ü~*"],
    ]);
  });

  test("sends no null in place of a value", async () => {
    const { outcome, request } = await send({ form: [{ name: "a", value: "${ .inputs.nothing }" }] });
    expect(outcome).toMatchObject({
      type: "refusal",
      reason: "ExpressionFailed",
      message: expect.stringContaining("spec.body.form[0].value"),
    });
    expect(request).toBeUndefined();
  });
});

describe("wish 17: a multipart body", () => {
  const parts = [
    { name: "title", value: "${ .inputs.title }" },
    { name: "meta", contentType: "application/json", value: "${ {tags: [1, 2]} }" },
    { name: "logo", filename: "läufer 1.png", contentType: "image/png", configMapKeyRef: { name: "files", key: "logo.png" } },
    { name: "key", filename: "a.bin", secretKeyRef: { name: "files", key: "a.bin" } },
    { name: "inline", base64: "AAEC" },
  ];
  const inputs = { title: literal("--x\r\nContent-Disposition: form-data") };

  test("carries text, JSON and files, each with its name and type, as another parser reads it", async () => {
    const sent = await send({ multipart: parts }, { inputs });
    const form = await parsed(sent);
    expect([...form.keys()]).toEqual(["title", "meta", "logo", "key", "inline"]);
    expect(form.get("title")).toBe("--x\r\nContent-Disposition: form-data");
    expect(await text(form.get("meta"))).toBe('{"tags":[1,2]}');
    expect(form.get("logo")).toMatchObject({ name: "läufer 1.png", type: "image/png" });
    expect(await bytes(form.get("logo"))).toEqual(everyByte.toReversed());
    expect(form.get("key")).toMatchObject({ name: "a.bin", type: "application/octet-stream" });
    expect(await bytes(form.get("key"))).toEqual(everyByte);
    expect(await text(form.get("inline"))).toBe("\u0000\u0001\u0002");
  });

  test("is the same at every try, boundary included", async () => {
    const [first, second] = await Promise.all([send({ multipart: parts }, { inputs }), send({ multipart: parts }, { inputs })]);
    expect(first.request?.bytes).toEqual(second.request?.bytes);
    expect(first.request?.headers["content-type"]).toBe(second.request?.headers["content-type"]);
  });

  test("takes another multipart type, to which the boundary is added, and no other one", async () => {
    const { request } = await send({ multipart: parts }, { inputs, headers: header("multipart/related; type=text") });
    expect(request?.headers["content-type"]).toMatch(/^multipart\/related; type=text; boundary=holdfast-[0-9a-f]{32}$/);
    for (const refused of ["application/json", "multipart/mixed; boundary=x"]) {
      const { outcome } = await send({ multipart: parts }, { inputs, headers: header(refused) });
      expect(outcome).toMatchObject({ type: "refusal", message: expect.stringContaining("spec.headers[0].value") });
    }
  });
});

test("wish 10: what a body has from a Secret is not shown when the server echoes it, as bytes or in base64", async () => {
  const body = { secretKeyRef: { name: "files", key: "token" } };
  const base64 = Buffer.from("s3cr3t-v4lue").toString("base64");
  for (const answer of [undefined, `you sent ${base64}`, "s3cr3t-v4lue!"]) {
    const { outcome } = await send(body, {}, answer);
    expect([JSON.stringify(outcome), shownBody(outcome)].join()).not.toMatch(new RegExp(`s3cr3t|${base64}`));
  }
  const binary = Buffer.from(everyByte).toString("base64");
  const { outcome } = await send({ multipart: [{ name: "a", secretKeyRef: { name: "files", key: "a.bin" } }] }, {}, binary);
  expect(shownBody(outcome)).toBe("***");
});

test("a body kept in a Secret or ConfigMap does not follow a redirect to another origin", async () => {
  await using elsewhere = await loopbackServer((_request, response) => response.end("here"));
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(307, { location: `${elsewhere.url}/next` }).end(),
  );
  await using http = testRequester();
  const redirected = (body: BodyTemplate): Promise<Outcome> =>
    http.send(exchange({ url: server.url, maxRedirects: 1, request: { method: "POST", body } }), { objects });
  const kept = [
    { secretKeyRef: { name: "files", key: "token" } },
    { multipart: [{ name: "a", configMapKeyRef: { name: "files", key: "text" } }] },
    { form: [{ name: "a", value: "${ .inputs.x // 1 }" }] },
  ];
  for (const body of kept) {
    expect(await redirected(bodyTemplate(body))).toMatchObject({ type: "failure", reason: "RedirectRefused" });
  }
  expect(elsewhere.requests).toEqual([]);
  expect(await redirected(bodyTemplate({ base64: "AAEC" }))).toMatchObject({ type: "response" });
  expect(elsewhere.requests[0]?.body).toBe("\u0000\u0001\u0002");
});

describe("wish 24: what would be sent shows", () => {
  async function described(body: NonNullable<RequestShape["body"]>, inputs: Exchange["scope"]["inputs"] = {}): Promise<unknown> {
    await using http = testRequester();
    const asked = exchange({ inputs, request: { method: "POST", body: bodyTemplate(body) } });
    const shown = await http.requester.describe(asked, reader(objects), never);
    expect(JSON.stringify(shown)).not.toMatch(/s3cr3t|v4lue/);
    return "body" in shown ? shown.body : shown;
  }
  const sha256 = "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880"; // of all 256 bytes in order

  test("text as it is, other bytes by size and digest, and asterisks for a secret", async () => {
    expect(await described({ configMapKeyRef: { name: "files", key: "text" } })).toBe("käse\r\n");
    expect(await described({ base64: Buffer.from(everyByte).toString("base64") })).toBe(`(256 bytes, SHA-256 ${sha256})`);
    expect(await described({ secretKeyRef: { name: "files", key: "a.bin" } })).toBe("***");
  });

  test("a form and the parts of a multipart body with their values masked", async () => {
    const inputs = {
      token: fromSecret("files", "token"),
      n: literal(1),
    };
    expect(
      await described(
        {
          form: [
            { name: "t", value: "${ .inputs.token }" },
            { name: "n", value: "${ .inputs.n }" },
          ],
        },
        inputs,
      ),
    ).toBe("t=***&n=1");
    expect(
      await described(
        {
          multipart: [
            { name: "t", value: "Bearer ${ .inputs.token }" },
            { name: "f", filename: "a.bin", base64: "AAEC" },
          ],
        },
        inputs,
      ),
    ).toMatch(
      /^--(holdfast-\w+)\nContent-Disposition: form-data; name="t"\n\nBearer \*\*\*\n--\1\nContent-Disposition: form-data; name="f"; filename="a.bin"\nContent-Type: application\/octet-stream\n\n\(3 bytes, SHA-256 \w+\)\n--\1--\n$/,
    );
  });
});
