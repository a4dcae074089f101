/** Secrets that a request does not send, and that nothing which is shown of its answer holds. */
import { expect, test } from "@jest/globals";
import { exchange, fromSecret, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const objects = { secrets: { it: { word: "what only create sent", port: "5432" } } };

test("they are masked in what is shown, and have no part in what is told by", async () => {
  await using http = testRequester();
  const told = { word: "what only create sent", more: "as of what only create sent", quoted: "5432", open: "here" };
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { location: "/things/what only create sent" }).end(JSON.stringify(told)),
  );
  const hidden = {
    word: fromSecret("it", "word"),
    port: fromSecret("it", "port"),
    // What is not there, or may not be read, holds up nothing.
    gone: fromSecret("nowhere", "word"),
    keyless: fromSecret("it", "other"),
    closed: fromSecret("forbidden", "word"),
  };
  const [outcome, open] = [
    await http.send(exchange({ url: server.url, hidden }), { objects }),
    await http.send(exchange({ url: server.url, hidden: { gone: hidden.gone } }), { objects }),
  ];
  if (outcome.type !== "response" || open.type !== "response") throw new Error("not answered");
  const { shown } = outcome.response;
  expect(JSON.parse(shown.body()?.text ?? "")).toEqual({ word: "***", more: "as of ***", quoted: "***", open: "here" });
  expect(shown.mask("it is what only create sent")?.text).toBe("it is ***");
  expect(shown.field("location")).toBe("/things/***");
  expect(shown.hasSecrets).toBe(true); // so that no digest lets anybody guess
  // An id is as the create that sent them lets it be.
  expect(shown.holdsSecret("what only create sent")).toBe(false);
  expect(shown.isOpen("what only create sent")).toBe(true);
  expect(JSON.parse(open.response.shown.body()?.text ?? "")).toEqual(told);
  expect(open.response.shown.hasSecrets).toBe(false);
});
