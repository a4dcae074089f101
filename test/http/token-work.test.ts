/** Token servers and logins that are slow, or give as much as they may: they cost the namespace whose endpoints ask them, and nobody else. */
import { expect, test } from "@jest/globals";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { until } from "../support/fault-world.ts";
import { testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";

type Reply = Parameters<Parameters<typeof loopbackServer>[0]>[1];
const secrets = { secrets: { s: { k: "the-secret-of-all" } } };
const secretKeyRef = { name: "s", key: "k" };

function give(response: Reply): void {
  const body = JSON.stringify({ access_token: "a-token-that-is-good", token_type: "bearer", expires_in: 3_600 });
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}
function ask(
  http: TestRequester,
  origin: LoopbackServer,
  tokenURL: string,
  by: { readonly namespace: string; readonly name: string },
) {
  const oauth2 = { tokenURL, clientID: { value: "c" }, clientSecret: { secretKeyRef } };
  return http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }, {}, by), { objects: secrets });
}

test("a dozen token servers that do not answer have eight requests of their namespace's, and another's is answered at once", async () => {
  await using stack = new AsyncDisposableStack();
  const held: Reply[] = [];
  const servers = await Promise.all(
    Array.from({ length: 12 }, () => loopbackServer((_request, response) => void held.push(response))),
  );
  for (const server of servers) stack.use(server);
  await using good = await loopbackServer((_request, response) => give(response));
  await using origin = await loopbackServer((_request, response) => response.end("{}"));
  await using http = testRequester();
  const slow = servers.map(({ url }, index) => ask(http, origin, url, { namespace: "attacker", name: `e${index}` }));
  await until("eight have been asked", () => held.length === 8);
  for (let round = 0; round < 5; round += 1)
    expect(await ask(http, origin, good.url, { namespace: "victim", name: `e${round}` })).toMatchObject({
      response: { statusCode: 200 },
    });
  expect([held.length, good.requests.length]).toEqual([8, 5]);
  while (held.length < 12 || origin.requests.length < 17) {
    for (const response of held.filter(({ writableEnded }) => !writableEnded)) give(response);
    await until(
      "more have been asked, or all are answered",
      () => held.some(({ writableEnded }) => !writableEnded) || origin.requests.length === 17,
    );
  }
  for (const outcome of await Promise.all(slow)) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
});

test("logins with bodies and answers at their limits take turns, and all of them are answered", async () => {
  let underWay = 0;
  let most = 0;
  await using server = await loopbackServer(({ url }, response) => {
    if (url !== "/login") return void response.end("{}");
    underWay += 1;
    most = Math.max(most, underWay);
    setTimeout(() => {
      underWay -= 1;
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ token: "t".repeat(1_000), pad: "p".repeat(200_000) }));
    }, 20);
  });
  await using http = testRequester();
  const long = { secrets: { s: { k: "x".repeat(200_000) } } };
  const login = {
    inputs: { a: { secretKeyRef } },
    requests: [{ url: `${server.url}/login`, body: { text: "${ .inputs.a }" } }],
    send: [{ header: "X-Token", value: "${ .responses[0].body.token }" }],
  };
  const outcomes = await Promise.all(
    Array.from({ length: 24 }, (_, index) => {
      const by = { namespace: `team-${index % 12}`, name: `e${index}` };
      return http.send(byEndpoint({ baseURL: server.url, auth: { login } }, {}, by), { objects: long });
    }),
  );
  for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
  expect(most).toBeLessThanOrEqual(4);
});

test("a login that would send more than it may, or is given more, is refused by name", async () => {
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token: "t".repeat(50_000) })),
  );
  await using http = testRequester();
  const sent = (header: string): object => ({ header, value: "${ .responses[0].body.token }" });
  const refusal = async (changes: object, k = "x".repeat(100_000)): Promise<unknown> => {
    const login = { inputs: { a: { secretKeyRef } }, requests: [{ path: "/login" }], send: [sent("X-A")], ...changes };
    return http.send(byEndpoint({ baseURL: server.url, auth: { login } }), { objects: { secrets: { s: { k } } } });
  };
  expect(
    await refusal({ requests: [{ path: "/login", body: { text: "${ .inputs.a }${ .inputs.a }${ .inputs.a }" } }] }),
  ).toMatchObject({
    reason: "InvalidRequest",
    message: expect.stringContaining("requests[0].body: would be longer than 262144 bytes"),
  });
  expect(server.requests).toHaveLength(0);
  expect(await refusal({}, "x".repeat(300_000))).toMatchObject({
    reason: "InvalidCredential",
    message: expect.stringContaining("spec.auth.login: its inputs and bodies hold more than 262144 characters together"),
  });
  expect(await refusal({ send: [sent("X-A"), sent("X-B")] })).toMatchObject({
    reason: "CredentialRefused",
    message: expect.stringContaining("what the login gave is longer than 65536 characters"),
  });
  expect(await refusal({})).toMatchObject({ type: "response" }); // Node takes no header that long
});
