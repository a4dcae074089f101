/** Fields that come after the content. */
import { expect, test } from "@jest/globals";
import { at, exchange, never, reader, scope, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import type { Response } from "../../src/core/outcome.ts";

async function trailersIn(http: TestRequester, response: Response): Promise<unknown> {
  const evaluated = await http.requester.evaluate(
    { scope, response, expressions: [at("spec.expect.that", ".response.trailers")] },
    reader({}),
    never,
  );
  return evaluated.type === "values" ? JSON.parse(JSON.stringify(evaluated.values[0])) : evaluated;
}
async function answered(http: TestRequester, url: string, more = {}): Promise<Response> {
  const outcome = await http.send(exchange({ url, ...more }));
  if (outcome.type !== "response") throw new Error(outcome.message);
  return outcome.response;
}

test("are seen as .response.trailers, as Caddy's admin API sends its ETag; without any it is empty", async () => {
  await using server = await loopbackServer(({ url }, response) => {
    if (url === "/none") return void response.end("{}");
    response.writeHead(200, { "content-type": "application/json", trailer: "ETag" });
    response.write('{"apps":');
    response.addTrailers({ ETag: '"/config/ 1a2b"', "X-Many": "1" });
    response.end("{}}");
  });
  await using http = testRequester();
  const response = await answered(http, server.url);
  expect(response.headers["etag"]).toBeUndefined();
  expect(await trailersIn(http, response)).toEqual({ etag: '"/config/ 1a2b"', "x-many": "1" });
  expect(await trailersIn(http, await answered(http, `${server.url}/none`))).toEqual({});
});

test("are bounded, as header fields are", async () => {
  await using server = await rawServer((socket) =>
    socket.once("data", () =>
      socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${"x".repeat(70_000)}\r\n\r\n`),
    ),
  );
  await using http = testRequester();
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "failure", reason: "HeadersTooLarge" });
});
