/** Secrets that a request does not send, and that nothing which is shown of its answer holds. */
import { expect, test } from "@jest/globals";
import type { Response } from "../../src/core/outcome.ts";
import type { Source } from "../../src/core/source.ts";
import { at, exchange, fromSecret, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const key = Buffer.from([0xff, 0xfe, 0x80, 1, 2, 3, 4, 5]);
const word = "what only create sent";
const objects = { secrets: { it: { word, port: "5432", key } } };
const told = {
  word,
  more: `as of ${word}`,
  quoted: "5432",
  key: key.toString("base64"),
  open: "here",
  count: 7,
};
// What is not there holds up nothing: there is nothing to hide.
const absent = [fromSecret("nowhere", "word"), fromSecret("it", "other")];

async function answered(hidden: readonly Source[]): Promise<{ readonly response: Response; readonly facts: readonly unknown[] }> {
  await using http = testRequester();
  await using server = await loopbackServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json", location: `/things/${word}` }).end(JSON.stringify(told)),
  );
  const sent = exchange({ url: server.url, hidden });
  const outcome = await http.send(sent, { objects });
  if (outcome.type !== "response") throw new Error(outcome.message);
  const { response } = outcome;
  const facts = [
    ".response.body.word",
    ".response.body.quoted",
    ".response.body.open",
    ".response.statusCode",
    ".response.body.count",
    ".response.body.nothing",
  ];
  const result = await http.requester.evaluate(
    {
      scope: sent.scope,
      response,
      expressions: [],
      published: { facts: facts.map((text, index) => at(`spec.values.v${index}`, text)), withheld: [] },
    },
    reader(objects),
    never,
  );
  if (result.type !== "values") throw new Error(result.message);
  return { response, facts: (result.published ?? []).map((fact) => (fact.type === "value" ? fact.value : fact.type)) };
}

test("they are masked in what is shown, and stand in no value and no id", async () => {
  const hidden = [...["word", "port", "key"].map((name) => fromSecret("it", name, `spec.inputs.${name}`)), ...absent];
  const { response, facts } = await answered(hidden);
  const { shown } = response;
  expect(JSON.parse(shown.body()?.text ?? "")).toEqual({
    word: "***",
    more: "as of ***",
    quoted: "***",
    key: "***",
    open: "here",
    count: 7,
  });
  expect(shown.mask(`it is ${word}`)?.text).toBe("it is ***");
  expect(shown.field("location")).toBe("/things/***");
  expect(shown.hasSecrets).toBe(true); // so that no digest lets anybody guess
  expect([shown.isUncertain, shown.holdsSecret(word), shown.isOpen(word), shown.isOpen("5432")]).toEqual([
    false,
    true,
    false,
    false,
  ]);
  expect(shown.holdsSecret("5432")).toBe(false); // a URL that has one so short says nothing
  expect([shown.sent.holdsSecret(word), shown.sent.isOpen(word)]).toEqual([false, true]); // an id is lost for no other's
  expect(facts).toEqual(["secret", "secret", "here", 200, 7, null]);
});

test.each(["forbidden", "broken"])(
  "where one is there that cannot be read nothing is shown that could hold it: %s",
  async (name) => {
    const { response, facts } = await answered([fromSecret("it", "word"), fromSecret(name, "word")]);
    const { shown } = response;
    expect([shown.isUncertain, shown.hasSecrets]).toEqual([true, true]);
    expect([shown.body(), shown.mask("open"), shown.field("location"), shown.field("content-type")]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([shown.holdsSecret(word), shown.holdsSecret("another id")]).toEqual([true, false]);
    expect(facts).toEqual(["uncertain", "uncertain", "uncertain", 200, 7, null]);
  },
);

test("what is not there is not looked for", async () => {
  const { response, facts } = await answered(absent);
  const { shown } = response;
  expect(JSON.parse(shown.body()?.text ?? "")).toEqual(told);
  expect([shown.hasSecrets, shown.isUncertain]).toEqual([false, false]);
  expect(facts).toEqual([word, "5432", "here", 200, 7, null]);
});
