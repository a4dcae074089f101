/** gunicorn closes an idle connection after two seconds, and says so to nobody: requests that come just then must not be lost. */
import { expect, test } from "@jest/globals";
import { declare, request, until } from "./declared.ts";
import { startGunicorn } from "./servers.ts";

test("no POST is lost where each comes when the server is about to close the connection", async () => {
  await using server = await startGunicorn();
  const names = Array.from({ length: 6 }, (_, index) => `job-${index}`);
  const jobs = names.map((name) =>
    request(name, {
      url: server.url,
      method: "POST",
      body: { text: "${ .metadata.name } ${ .now }" },
      retry: { limit: 0 },
      schedule: { every: "2s" },
    }),
  );
  await using declared = await declare(jobs);
  await declared.ready(...names);
  const few = 6 * 8;
  await until(
    async () => (await server.lines("seen")).length > few,
    () => names.map((name) => declared.state(name)).join("; "),
  );
  expect(names.map((name) => declared.state(name)).filter((state) => !/^True\/|Sending/.test(state))).toEqual([]);
  const seen = await server.lines("seen");
  expect(new Set(seen).size).toBe(seen.length); // each once
});
