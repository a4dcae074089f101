/** Requests at a place that an answer named: what goes along, and where they may not go. */
import { expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { at, exchange, fromSecret, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const objects = { secrets: { hook: { token: "s3cr3t-value" } } };
const inputs = { token: fromSecret("hook", "token") };

async function sentTo(url: string | Exchange["request"]["url"], location: string): Promise<Outcome> {
  await using http = testRequester();
  const headers = [
    { name: "Authorization", ...at("spec.headers[0].value", "Bearer ${ .inputs.token }") },
    { name: "Accept", ...at("spec.headers[1].value", "application/json") },
  ];
  const request = { headers, literalHeaders: [{ name: "X-Team", value: "a" }], location: at("spec.poll.url", location) };
  return await http.send(exchange({ url, request, inputs }), { objects });
}

test("a relative one is asked at the request's own origin, with its credentials", async () => {
  await using server = await loopbackServer((_, response) => void response.end("{}"));
  expect(await sentTo(`${server.url}/orders?a=1`, "/jobs/1?b=2")).toMatchObject({ response: { statusCode: 200 } });
  expect(await sentTo(`${server.url}/v1/orders`, "jobs/${ .inputs.token }")).toMatchObject({ response: { statusCode: 200 } });
  expect(server.requests.map(({ url }) => url)).toEqual(["/jobs/1?b=2", "/v1/jobs/s3cr3t-value"]);
  expect(server.requests[0]?.headers).toMatchObject({ authorization: "Bearer s3cr3t-value", "x-team": "a" });
});

test("mistake 3: one at another origin gets no credential, and text that looks like an expression is text", async () => {
  await using own = await loopbackServer((_, response) => void response.end("{}"));
  await using other = await loopbackServer((_, response) => void response.end("{}"));
  expect(await sentTo(`${own.url}/orders`, `${other.url}/$\${.inputs.token}`)).toMatchObject({ response: { statusCode: 200 } });
  expect(own.requests).toEqual([]);
  const [request] = other.requests;
  expect(request?.url).toBe("/$%7B.inputs.token%7D");
  expect(request?.headers).not.toHaveProperty("authorization");
  expect(request?.headers).not.toHaveProperty("x-team");
  expect(request?.headers["accept"]).toBe("application/json");
});

test.each(["http://user:password@127.0.0.1:1/", "file:///etc/passwd", "http://"])("%s is asked for nothing", async (location) => {
  expect(await sentTo("http://127.0.0.1:1/", location)).toMatchObject({
    type: "refusal",
    reason: "InvalidURL",
    message: expect.not.stringContaining("passw"),
  });
});

test("with an endpoint it stays below the base, at the same origin", async () => {
  await using server = await loopbackServer((_, response) => void response.end("{}"));
  const url = { type: "joined", base: `${server.url}/v1` } as const;
  for (const location of ["/v2/a", "/v1/../v2/a", "/v1/%2e%2e/a", "/v1/a%2fb", "http://127.0.0.1:1/v1/a", "//127.0.0.1:1/v1/a"])
    expect([location, await sentTo(url, location)]).toMatchObject([location, { type: "refusal", reason: "InvalidURL" }]);
  expect(await sentTo(url, "/v1/jobs/1")).toMatchObject({ response: { statusCode: 200 } });
  expect(server.requests.map(({ url }) => url)).toEqual(["/v1/jobs/1"]);
});

test("a next page stays below the base, too; its path may have an encoded slash where the first page's has it", async () => {
  await using server = await loopbackServer((_, response) => void response.end("{}"));
  await using http = testRequester();
  const path = at("spec.lookup.path", "/projects/${ .inputs.id }/issues");
  const page = (text: string): Promise<Outcome> =>
    http.send(
      exchange({
        url: { type: "joined", base: `${server.url}/v4`, path },
        inputs: { id: literal("group/name") },
        request: { page: at("spec.lookup.pages.next", text) },
      }),
    );
  const first = "/v4/projects/group%2Fname/issues";
  expect(await page(`${server.url}${first}?page=2`)).toMatchObject({ response: { statusCode: 200 } });
  for (const other of [`${server.url}/v4/projects/other%2Fname/issues`, `${server.url}/v5/projects`, "http://127.0.0.1:1/v4/a"])
    expect(await page(other)).toMatchObject({ type: "refusal", reason: "InvalidURL" });
  expect(server.requests.map(({ url }) => url)).toEqual([`${first}?page=2`]);
});
