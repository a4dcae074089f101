import { describe, expect, test } from "@jest/globals";
import { failureOf } from "../../src/http/failure.ts";
import { exchange, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";

async function outcomeAt(url: string, timeoutMs = 3_000): Promise<unknown> {
  await using http = testRequester();
  const outcome = await http.send(exchange({ url, timeoutMs, request: { method: "POST" } }));
  const exchanged = http.occurrences.filter(({ type }) => type === "exchanged");
  expect(exchanged).toHaveLength(1);
  return outcome;
}
const answering = (answer: string | Buffer): ReturnType<typeof rawServer> =>
  rawServer((socket) => socket.once("data", () => socket.end(answer)));

describe("what certainly never left is told apart:", () => {
  test("nothing listens", async () => {
    const server = await rawServer(() => {});
    await server[Symbol.asyncDispose]();
    expect(await outcomeAt(server.url)).toMatchObject({
      type: "failure",
      reason: "ConnectionRefused",
      message: `nothing accepts connections at ${new URL(server.url).host}; check host and port`,
      sent: false,
    });
    expect(await outcomeAt(server.url.replace("127.0.0.1", "localhost"))).toMatchObject({
      reason: "ConnectionRefused",
      sent: false,
    });
  });

  test("the name does not resolve", async () => {
    expect(await outcomeAt("http://nowhere.invalid/")).toMatchObject({ type: "failure", reason: "NameNotResolved", sent: false });
  });

  test("the caller gave up before", async () => {
    await using server = await loopbackServer((_request, response) => response.end());
    await using http = testRequester();
    const outcome = await http.send(exchange({ url: server.url }), { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ type: "failure", reason: "Aborted", sent: false });
    expect(server.accepted).toBe(0);
  });

  test("it still waited for a connection when its time was up", async () => {
    await using server = await loopbackServer(() => {});
    await using http = testRequester({ connectionsPerOrigin: 1 });
    const outcomes = await Promise.all([1, 2].map(() => http.send(exchange({ url: server.url, timeoutMs: 2_000 }))));
    expect(outcomes.map((outcome) => outcome.type === "failure" && outcome.sent)).toEqual([true, false]);
    expect(server.requests).toHaveLength(1);
  });
});

describe("what may have arrived is told as such:", () => {
  test("the connection is reset after the request", async () => {
    await using server = await rawServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const message = `the connection to ${new URL(server.url).host} was closed before the answer was complete; check that the port speaks HTTP, and not TLS`;
    expect(await outcomeAt(server.url)).toMatchObject({ type: "failure", reason: "ConnectionReset", message, sent: true });
  });

  test("the connection is closed without an answer", async () => {
    await using server = await answering("");
    expect(await outcomeAt(server.url)).toMatchObject({ type: "failure", reason: "ConnectionReset", sent: true });
  });

  test("the answer is no HTTP", async () => {
    await using server = await answering("SSH-2.0-OpenSSH_9.9 s3cr3t\r\n");
    const outcome = await outcomeAt(server.url);
    expect(outcome).toMatchObject({ type: "failure", reason: "InvalidResponse", sent: true });
    expect(JSON.stringify(outcome)).not.toContain("s3cr3t");
  });

  test("the header fields are too many", async () => {
    await using server = await answering(`HTTP/1.1 200 OK\r\n${"x-filler: 0123456789\r\n".repeat(5_000)}\r\n`);
    expect(await outcomeAt(server.url)).toMatchObject({ type: "failure", reason: "HeadersTooLarge", sent: true });
  });

  test("the server says 100 Continue, for which nobody has asked; other informational answers are passed over", async () => {
    const informing = (status: string): ReturnType<typeof rawServer> =>
      answering(`HTTP/1.1 ${status}\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n`);
    await using asked = await informing("100 Continue");
    expect(await outcomeAt(asked.url)).toMatchObject({ type: "failure", reason: "ConnectionReset", sent: true });
    for (const status of ["102 Processing", "103 Early Hints"]) {
      await using server = await informing(status);
      expect(await outcomeAt(server.url)).toMatchObject({ type: "response", response: { statusCode: 201 } });
    }
  });

  test("there are fewer bytes than were announced", async () => {
    await using server = await answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123");
    expect(await outcomeAt(server.url)).toMatchObject({ type: "failure", sent: true });
  });
});

test("codes become reasons, and nothing of an error's text is kept", () => {
  const reasons = Object.fromEntries(
    Object.entries({
      ConnectTimeout: ["UND_ERR_CONNECT_TIMEOUT", "ETIMEDOUT"],
      NetworkUnreachable: ["EHOSTUNREACH", "ENETUNREACH"],
      NameNotResolved: ["ENOTFOUND", "EAI_AGAIN"],
      PortsExhausted: ["EADDRNOTAVAIL"],
      TooManyFiles: ["EMFILE", "ENFILE"],
      CertificateInvalid: [
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "HOSTNAME_MISMATCH",
        "UNSPECIFIED",
      ],
      TLSError: ["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "EPROTO"],
      ConnectionReset: ["ECONNRESET", "ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR", "UND_ERR_INFO"],
      InvalidResponse: ["HPE_INVALID_CONSTANT", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "ERR_HTTP2_ERROR"],
      Unknown: ["EWHATEVER"],
    }).flatMap(([reason, codes]) => codes.map((code) => [code, reason])),
  );
  for (const [code, reason] of Object.entries(reasons)) {
    const failure = failureOf(new TypeError("failed", { cause: Object.assign(new Error("the secret text"), { code }) }));
    expect(failure.reason).toBe(reason);
    expect(failure.message).not.toContain("secret");
  }
  expect(failureOf("thrown text")).toEqual({ reason: "Unknown", message: "the request failed", comes: "after" });
  expect(failureOf(Object.assign(new Error(), { code: "toString" })).reason).toBe("Unknown");
});
