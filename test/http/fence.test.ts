import { expect, test } from "@jest/globals";
import { exchange, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

test("nothing leaves that has waited for its connection until this process may not send any more", async () => {
  const answers: (() => void)[] = [];
  await using server = await loopbackServer((_request, response) => void answers.push(() => response.end("ok")));
  let mayStart = true;
  await using http = testRequester({ connectionsPerOrigin: 1 });
  const post = (path: string) =>
    http.send(exchange({ url: `${server.url}${path}`, request: { method: "POST" } }), { mayStart: () => mayStart });
  const first = post("/first");
  while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const waiting = [post("/second"), post("/third")];
  mayStart = false;
  answers[0]?.();
  expect(await first).toMatchObject({ type: "response" }); // what was on its way is read to its end
  for (const outcome of await Promise.all(waiting))
    expect(outcome).toMatchObject({ type: "failure", reason: "NotLeader", sent: false });
  expect(await post("/fourth")).toMatchObject({ reason: "NotLeader", sent: false });

  mayStart = true;
  const fifth = post("/fifth");
  while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  answers[1]?.();
  expect(await fifth).toMatchObject({ type: "response" });
  expect(server.requests.map(({ url }) => url)).toEqual(["/first", "/fifth"]);
  expect(server.accepted).toBe(1); // the refused ones cost no connection
});
