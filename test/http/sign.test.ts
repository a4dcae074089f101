/** Signatures on the wire, judged by the receivers' own official libraries. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { verify as verifyGitHub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import { Stripe } from "stripe";
import { signatureFormats, type SignatureFormat } from "../../src/api/sign.ts";
import type { SignSources } from "../../src/core/sign.ts";
import { createSigner } from "../../src/http/credentials/signature.ts";
import { resolveSign } from "../../src/http/resolve/sign.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { at, exchange, fromSecret, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type ReceivedRequest } from "../support/loopback.ts";

const attemptId = "6d1ae0a4-9d55-5c8e-8d66-1f5f9ac0d111";
const keys = {
  standard: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  newer: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
  text: "a-key ü",
};
const objects = {
  secrets: { s: { ...keys, hex: "00ff10", base64: "AP8Q", empty: "", prefix: "whsec_", bad: "whsec_*?", lines: "key\n" } },
};
const field = "spec.sign";
const sources = (format: SignatureFormat, ...names: string[]): SignSources => ({
  field,
  format,
  keys: names.map((name, index) => fromSecret("s", name, `${field}.keys[${index}]`)),
});
const schemes = {
  StandardWebhooks: sources(signatureFormats.StandardWebhooks, "standard"),
  GitHub: sources(signatureFormats.GitHub, "text"),
  Slack: sources(signatureFormats.Slack, "text"),
  Stripe: sources(signatureFormats.Stripe, "text"),
};
const own: SignatureFormat = {
  algorithm: "SHA512",
  keyEncoding: "Base64",
  encoding: "Base64",
  content: "${ .timestamp }\n${ .method }\n${ .host }${ .path }\n${ .body }$",
  headers: [
    { name: "X-Partner-Time", value: "${ .timestamp }" },
    { name: "X-Partner-Signature", value: "id=${ .id };sig=${ .signature }" },
  ],
};

function posting(url: string, sign: SignSources, changes: Parameters<typeof exchange>[0] = {}): Exchange {
  const { request, ...rest } = changes;
  const body = { type: "json", field: "spec.body.json", value: { text: "grüße, 漢字 ✓" } } as const;
  return exchange({ url, sign, attemptId, request: { method: "POST", body, ...request }, ...rest });
}
type Headers = Readonly<Record<string, string>>;
const fieldsOf = ({ headers }: ReceivedRequest): Headers =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
const one = (requests: readonly ReceivedRequest[]): ReceivedRequest => requests.at(-1) as ReceivedRequest;

type Accepts = (body: string, headers: Headers) => unknown;
/** What its own library says; of Slack what its documentation does, whose library has a server around it. */
const receivers: Readonly<Record<keyof typeof schemes, Accepts>> = {
  StandardWebhooks: (body, headers) => new Webhook(keys.standard).verify(body, headers),
  async GitHub(body, headers) {
    if (!(await verifyGitHub(keys.text, body, headers["x-hub-signature-256"] ?? ""))) throw new Error("refused");
  },
  Slack(body, headers) {
    const time = headers["x-slack-request-timestamp"] ?? "";
    if (Math.abs(Date.now() / 1_000 - Number(time)) > 300) throw new Error("too old");
    const expected = `v0=${createHmac("sha256", keys.text).update(`v0:${time}:${body}`).digest("hex")}`;
    if (headers["x-slack-signature"] !== expected) throw new Error("refused");
  },
  Stripe: (body, headers) => Stripe.webhooks.constructEvent(body, headers["stripe-signature"] ?? "", keys.text),
};
const names = Object.keys(schemes) as (keyof typeof schemes)[];
async function isAccepted(accepts: Accepts, body: string, headers: Headers): Promise<boolean> {
  try {
    await accepts(body, headers);
    return true;
  } catch {
    return false;
  }
}

describe.each(names)("wish 27: %s", (scheme) => {
  test("is accepted by the receivers' library as sent, and refused with a changed byte or another key", async () => {
    await using origin = await loopbackServer((_request, response) => void response.end("{}"));
    await using http = testRequester();
    expect(await http.send(posting(origin.url, schemes[scheme]), { objects })).toMatchObject({ type: "response" });
    const received = one(origin.requests);
    const accepts = receivers[scheme];
    expect(received.body).toContain("漢字");
    expect(await isAccepted(accepts, received.body, fieldsOf(received))).toBe(true);
    expect(await isAccepted(accepts, received.body.replace("✓", "✗"), fieldsOf(received))).toBe(false);
    const other = sources(schemes[scheme].format, scheme === "StandardWebhooks" ? "newer" : "base64");
    await http.send(posting(origin.url, other), { objects });
    expect(await isAccepted(accepts, one(origin.requests).body, fieldsOf(one(origin.requests)))).toBe(false);
  });

  test("is of the time at which it leaves, and an old one is refused where the scheme has a time", async () => {
    const settings = await resolveSign(schemes[scheme], reader(objects));
    const wire = { method: "POST", origin: "http://hook.example", path: "/", headers: {}, body: "{}" };
    const old = createSigner(settings, attemptId).added(wire, new Date(Date.now() - 600_000));
    expect(await isAccepted(receivers[scheme], "{}", old.headers as Headers)).toBe(scheme === "GitHub");
  });

  test("goes along on a redirect of its own origin, signed anew with the same id, and not to another", async () => {
    await using origin = await loopbackServer(({ url }, response) => {
      const location = { "/a": "/b", "/b": `${other.url}/c` }[url];
      response.writeHead(location === undefined ? 200 : 307, location === undefined ? {} : { location }).end();
    });
    await using other = await loopbackServer((_request, response) => void response.end());
    await using http = testRequester();
    await http.send(posting(`${origin.url}/a`, schemes[scheme], { maxRedirects: 5 }), { objects });
    expect(origin.requests.map(({ url }) => url)).toEqual(["/a", "/b"]);
    for (const received of origin.requests)
      expect(await isAccepted(receivers[scheme], received.body, fieldsOf(received))).toBe(true);
    expect(other.requests).toHaveLength(1);
    const added = schemes[scheme].format.headers.map(({ name }) => name.toLowerCase());
    expect(Object.keys(one(other.requests).headers).filter((name) => added.includes(name))).toEqual([]);
  });

  test("shows three asterisks where a request is described, and nothing of the key", async () => {
    await using http = testRequester();
    const described = await http.requester.describe(posting("http://hook.example", schemes[scheme]), reader(objects), never);
    const shown = JSON.stringify(described);
    expect(shown).toContain("***");
    for (const key of Object.values(keys)) expect(shown).not.toContain(key.replace("whsec_", ""));
    expect(shown).not.toMatch(/[0-9a-f]{64}/);
  });
});

test("the path that is signed is the one that is sent, with the key that the endpoint's credential adds to it", async () => {
  await using origin = await loopbackServer((_request, response) => void response.end("{}"));
  await using http = testRequester();
  const apiKey = { in: "Query", name: "key", value: { secretKeyRef: { name: "s", key: "hex" } } };
  const format = { ...own, keyEncoding: "Text", encoding: "Hex", algorithm: "SHA256", content: "${ .path }" } as const;
  const asked = byEndpoint({ baseURL: origin.url, auth: { apiKey } }, { path: "/a", sign: sources(format, "text"), attemptId });
  expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
  const { url, headers } = one(origin.requests);
  expect(url).toBe("/a?key=00ff10");
  const signature = createHmac("sha256", keys.text).update(url).digest("hex");
  expect(headers["x-partner-signature"]).toBe(`id=${attemptId};sig=${signature}`);
});

test("the published vectors are met", async () => {
  const github = sources(signatureFormats.GitHub, "key");
  const secrets = { s: { key: "It's a Secret to Everybody", slack: "8f742231b10e8888abcd99yyyzzz85a5" } };
  const wire = { method: "POST", origin: "http://hook.example", path: "/", headers: {} };
  const signed = async (sign: SignSources, body: string, seconds = 0): Promise<Headers> =>
    createSigner(await resolveSign(sign, reader({ secrets })), attemptId).added({ ...wire, body }, new Date(seconds * 1_000))
      .headers as Headers;
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  expect(await signed(github, "Hello, World!")).toMatchObject({
    "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
  });
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  const body =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
  expect(await signed(sources(signatureFormats.Slack, "slack"), body, 1_531_420_618)).toMatchObject({
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
  });
  // https://github.com/standard-webhooks/standard-webhooks, the libraries' own test
  const standard = { ...sources(signatureFormats.StandardWebhooks, "standard") };
  const settings = await resolveSign(standard, reader(objects));
  const known = createSigner(settings, "msg_p5jXN8AQM9LWM0D4loKWxJek");
  expect(known.added({ ...wire, body: '{"test": 2432232314}' }, new Date(1_614_265_330_000)).headers).toMatchObject({
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("while a key is replaced both sign, and receivers with either accept it", async () => {
  await using origin = await loopbackServer((_request, response) => void response.end("{}"));
  await using http = testRequester();
  await http.send(posting(origin.url, sources(signatureFormats.StandardWebhooks, "newer", "standard")), { objects });
  const { body, ...received } = one(origin.requests);
  for (const key of [keys.newer, keys.standard])
    expect(() => new Webhook(key).verify(body, fieldsOf({ body, ...received }))).not.toThrow();
  await http.send(posting(origin.url, sources(signatureFormats.Stripe, "base64", "text")), { objects });
  for (const key of ["AP8Q", keys.text])
    expect(() =>
      Stripe.webhooks.constructEvent(body, String(one(origin.requests).headers["stripe-signature"]), key),
    ).not.toThrow();
});

test.each([
  ["base64", "Base64"],
  ["hex", "Hex"],
] as const)("a scheme of one's own signs what it says, with a key in %s, and bytes as they are", async (name, keyEncoding) => {
  await using origin = await loopbackServer((_request, response) => void response.end("{}"));
  await using http = testRequester();
  const source = { type: "base64", field: "spec.body.base64", text: "AP+ACg==" } as const;
  const sign = sources({ ...own, keyEncoding }, name);
  const query = [{ name: "q", field: "spec.query[0].value", text: "a b" }];
  await http.send(posting(`${origin.url}/in`, sign, { request: { method: "PUT", body: { type: "bytes", source }, query } }), {
    objects,
  });
  const { headers, bytes, url } = one(origin.requests);
  const time = String(headers["x-partner-time"]);
  const signature = createHmac("sha512", Buffer.from([0, 255, 16]))
    .update(`${time}\nPUT\n127.0.0.1:${origin.port}${url}\n`)
    .update(bytes)
    .update("$")
    .digest("base64");
  expect(url).toBe("/in?q=a%20b");
  expect(headers["x-partner-signature"]).toBe(`id=${attemptId};sig=${signature}`);
});

test.each([
  ["empty", schemes.GitHub.format, "the value is empty"],
  ["lines", schemes.GitHub.format, "the value holds a line break"],
  ["prefix", schemes.StandardWebhooks.format, "the key is empty"],
  ["bad", schemes.StandardWebhooks.format, "the key is"],
  ["text", { ...own, keyEncoding: "Hex" }, "the key is"],
  ["none", schemes.GitHub.format, 'Secret "s" has no key "none"'],
] as const)("a key that is %s is refused, and nothing is sent", async (name, format, text) => {
  await using origin = await loopbackServer((_request, response) => void response.end());
  await using http = testRequester();
  const refusal = await http.send(posting(origin.url, sources(format, name)), { objects });
  expect(refusal).toMatchObject({ type: "refusal", heals: true, message: expect.stringContaining(`${field}.keys[0]`) });
  expect(refusal).toMatchObject({ message: expect.stringContaining(text) });
  expect(origin.requests).toEqual([]);
});

test("a signature that the server sends back is no part of what is shown", async () => {
  await using origin = await loopbackServer(({ headers }, response) => void response.end(JSON.stringify(headers)));
  await using http = testRequester();
  for (const scheme of names) {
    const outcome = await http.send(posting(origin.url, schemes[scheme]), { objects });
    if (outcome.type !== "response") throw new Error("no answer");
    const shown = outcome.response.shown.body()?.text ?? "";
    expect(shown).toContain("***");
    expect(shown).not.toMatch(/[0-9a-f]{64}|v1,[A-Za-z0-9+/]{40}/);
  }
});

test("a request that is signed by its endpoint goes there with it, and its credential covers what the signature set", async () => {
  await using origin = await loopbackServer((_request, response) => void response.end("{}"));
  await using http = testRequester();
  const endpoint = { key: { namespace: "team-a", name: "hook" }, credentialNamespace: "team-a", title: 'HTTPEndpoint "hook"' };
  const secretAccessKey = fromSecret("s", "text");
  const auth = { field, type: "awsSigV4", region: "r", service: "s", accessKeyID: secretAccessKey, secretAccessKey } as const;
  const url = { type: "joined", base: origin.url, path: at("spec.path", "/a") } as const;
  const plain = { secrets: { s: { ...objects.secrets.s, text: "plain-key" } } };
  await http.send({ ...posting("", schemes.GitHub, { auth, endpoint, url }) }, { objects: plain });
  expect(String(one(origin.requests).headers.authorization)).toContain("x-hub-signature-256");
});

test("wish 34: with traceContext each try has a span of its own in the attempt's trace, also where it is signed", async () => {
  await using origin = await loopbackServer(({ url }, response) =>
    response.writeHead(url === "/a" ? 307 : 200, url === "/a" ? { location: "/b" } : {}).end("{}"),
  );
  await using http = testRequester();
  await http.send(posting(`${origin.url}/a`, schemes.GitHub, { traces: true, maxRedirects: 2 }), { objects });
  const { sign: _, attemptId: __, ...asking } = posting(`${origin.url}/c`, schemes.GitHub, { traces: true });
  await http.send(asking, { objects });
  const all = origin.requests.map(({ headers }) => String(headers["traceparent"]));
  for (const one of all) expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  const [first, second, third] = all.map((one) => one.split("-"));
  expect([first?.[1], second?.[1]]).toEqual(Array(2).fill(attemptId.replaceAll("-", "")));
  expect(first?.[2]).not.toBe(second?.[2]);
  expect(third?.[1]).not.toBe(first?.[1]); // it is of no attempt
  expect(
    await isAccepted(receivers.GitHub, one(origin.requests.slice(0, 2)).body, fieldsOf(one(origin.requests.slice(0, 2)))),
  ).toBe(true);
});
