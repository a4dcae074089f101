/** What of a request stays with an exchange that is sent again as it is. */
import { expect, test } from "@jest/globals";
import { at, exchange, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { held } from "../support/reaches.ts";

const long = '${ "x" * 5000 }';
const url = (path: string) => (server: string) => ({ type: "absolute", ...at("spec.url", `${server}${path}`) }) as const;
test.each([
  ["a short URL", url('/${ "a" * 3 }'), {}, "/aaa", true],
  ["a long URL", url(`/${long}`), {}, `/${"x".repeat(5_000)}`, false],
  [
    "a long header field",
    url("/a"),
    { headers: [{ name: "x-long", ...at("spec.headers[0].value", long) }] },
    "x".repeat(5_000),
    false,
  ],
  ["a body", url("/a"), { method: "POST", body: { type: "text", ...at("spec.body.text", '${ "y" * 3 }') } }, "yyy", false],
  ["what is made of an input", url("/${ .inputs.value }"), {}, "/abc", false],
] as const)(
  "%s is sent each time, and kept only where it is small and made of nothing else",
  async (_what, urlOf, more, made, isKept) => {
    await using server = await loopbackServer((_request, response) => response.end());
    await using http = testRequester();
    const inputs = JSON.stringify(urlOf("")).includes("inputs") ? { value: literal("abc") } : {};
    const one = exchange({ request: { url: urlOf(server.url), ...more }, inputs });
    for (let times = 0; times < 2; times += 1) expect(await http.send(one)).toMatchObject({ response: { statusCode: 200 } });
    const [first, second] = server.requests;
    expect(second).toEqual({ ...first, headers: second?.headers });
    expect(JSON.stringify(first)).toContain(made);
    expect([...held(one)].includes(made)).toBe(isKept);
  },
);
