/** What of signatures, times and notices is refused at admission: each message names the field, and says what to do. */
import { describe, expect, test } from "@jest/globals";
import { clusterHTTPEndpoint } from "../../src/api/cluster-http-endpoint.ts";
import { httpEndpoint } from "../../src/api/http-endpoint.ts";
import { httpRequest } from "../../src/api/http-request.ts";
import type { Schema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";

const told = (schema: Schema, spec: object): readonly string[] =>
  validator({ type: "object", properties: { spec: schema } })({ spec }).problems.map(
    ({ path, message }) => `${path}: ${message}`,
  );
const request = (spec: object): readonly string[] => told(httpRequest.spec, { url: "https://h.example/", ...spec });
const endpoint = (spec: object): readonly string[] => told(httpEndpoint.spec, { baseURL: "https://h.example", ...spec });
const trigger = (changes: object): readonly string[] => request({ trigger: { name: "job", when: ["Failed"], ...changes } });
const keys = [{ secretKeyRef: { name: "s", key: "k" } }];
const hmac = (changes: object = {}): object => ({
  scheme: "HMAC",
  keys,
  hmac: { headers: [{ name: "x-sig", value: "${ .signature }" }], ...changes },
});

describe("sign", () => {
  test.each(["StandardWebhooks", "GitHub", "Slack", "Stripe"])("%s needs a key and no more", (scheme) => {
    expect(request({ sign: { scheme, keys } })).toEqual([]);
    expect(endpoint({ sign: { scheme, keys } })).toEqual([]);
  });

  test.each([
    ["without keys", { scheme: "GitHub" }, "spec.sign.keys"],
    ["of HMAC that does not say how", { scheme: "HMAC", keys }, "spec.sign: "],
    ["of a preset with a format", { ...hmac(), scheme: "Slack" }, "hmac goes with scheme: HMAC"],
    ["with two keys that its receivers do not know", { scheme: "GitHub", keys: [...keys, ...keys] }, "spec.sign.keys: "],
    ["without a place for the signature", hmac({ headers: [{ name: "a", value: "${ .id }" }] }), "spec.sign.hmac: "],
    ["over any expression", hmac({ content: "${ .inputs.a }" }), "spec.sign.hmac.content: "],
    ["over a signature", hmac({ content: "${ .signature }" }), "spec.sign.hmac.content: "],
    ["with a program", hmac({ content: "${ .body | @base64 }" }), "spec.sign.hmac.content: "],
    ["with a body in a header", hmac({ headers: [{ name: "a", value: "${ .signature }${ .body }" }] }), "headers[0].value: "],
    ["in a header of the client's", hmac({ headers: [{ name: "Host", value: "${ .signature }" }] }), "headers[0].name: "],
  ])("%s is refused", (_, sign, text) => {
    expect(request({ sign }).join("\n")).toContain(text);
    expect(endpoint({ sign }).join("\n")).toContain(text);
  });

  test.each(["$", "a $5 note", "$${ .anything }", "${ .timestamp }.${.body}$", "$$"])("may have %s as its content", (content) =>
    expect(request({ sign: hmac({ content }) })).toEqual([]),
  );

  test("stands with the request or with its endpoint, and is nobody's header field besides", () => {
    const sign = { scheme: "StandardWebhooks", keys };
    const byEndpoint = told(httpRequest.spec, { endpointRef: { name: "e" }, sign });
    expect(byEndpoint).toEqual([
      "spec.sign: Invalid value: sign goes with url; with endpointRef, the endpoint's sign says how requests are signed",
    ]);
    for (const [signed, name] of [
      [sign, "Webhook-ID"],
      [hmac(), "X-Sig"],
    ])
      expect(endpoint({ sign: signed, headers: [{ name, value: "a" }] })).toEqual([
        "spec.headers: Invalid value: headers must not set a field that sign sets",
      ]);
    const cluster = { baseURL: "https://h.example", allowedNamespaces: { from: "All" }, sign };
    expect(told(clusterHTTPEndpoint.spec, cluster).join()).toContain("secretNamespace must be set");
    expect(told(clusterHTTPEndpoint.spec, { ...cluster, secretNamespace: "a" })).toEqual([]);
  });
});

describe("trigger", () => {
  const selector = { matchLabels: { tier: "gold" } };
  test("names one object, or chooses by labels", () => {
    expect(trigger({})).toEqual([]);
    expect(trigger({ name: undefined, selector })).toEqual([]);
    expect(trigger({ kind: "HTTPResource", when: ["Failed", "Unknown", "Recovered"] })).toEqual([]);
  });
  test.each([
    ["both", { selector }, "exactly one of name and selector must be set"],
    ["neither", { name: undefined }, "exactly one of name and selector must be set"],
    ["an empty selector", { name: undefined, selector: {} }, "spec.trigger.selector: "],
    ["no end", { when: [] }, "spec.trigger.when: "],
    ["another end", { when: ["Stalled"] }, "spec.trigger.when[0]: "],
    ["an end that an HTTPResource has not", { kind: "HTTPResource", when: ["Succeeded"] }, "spec.trigger.when: "],
    ["an endpoint", { kind: "HTTPEndpoint" }, "spec.trigger.kind: "],
  ])("with %s is refused", (_, changes, text) => {
    expect(trigger(changes).join("\n")).toContain(text);
  });
  test.each([{ schedule: { every: "1h" } }, { rerunOn: { inputs: ["*"] } }, { forEach: { items: [1] }, idempotent: true }])(
    "does not go with %j",
    (other) => {
      expect(request({ trigger: { name: "job", when: ["Failed"] }, ...other }).join()).toContain("spec.trigger: ");
    },
  );
});

describe("schedule", () => {
  const schedule = (changes: object): string => request({ schedule: changes }).join("\n");
  test.each([
    { at: "2027-01-01T00:00:00Z" },
    { at: "2027-01-01T00:00:00+01:00", window: "10m", startingDeadline: "1h" },
    { cron: "0 3 * * *", window: "1h", stopAfter: { failures: 5 } },
    { cron: "30 0 3 * * MON", timeZone: "Europe/Berlin" },
    { every: "1h", stopAfter: { failures: 1 } },
  ])("may be %j", (one) => expect(schedule(one)).toBe(""));
  test.each([
    [{ cron: "0 0 3 1 1 * 2027" }, "must name no year"],
    [{ cron: "0 3 1 1 * 2027" }, "must name no year"],
    [{ cron: "0 3 1 1 * 2027-2029" }, "must name no year"],
    [{ at: "tomorrow" }, "spec.schedule.at: "],
    [{ at: "2027-01-01T00:00:00Z", every: "1h" }, "exactly one of every, cron and at"],
    [{}, "exactly one of every, cron and at"],
    [{ every: "1h", window: "10m" }, "window goes with cron and at"],
    [{ at: "2027-01-01T00:00:00Z", stopAfter: { failures: 1 } }, "stopAfter goes with every and cron"],
    [{ every: "1h", stopAfter: {} }, "spec.schedule.stopAfter.failures"],
    [{ at: "2027-01-01T00:00:00Z", timeZone: "Europe/Berlin" }, "timeZone goes with cron"],
  ])("%j is refused", (one, text) => expect(schedule(one)).toContain(text));
});

test("rerunOn names inputs that there are, or all", () => {
  const inputs = { token: { value: "t" } };
  expect(request({ inputs, rerunOn: { inputs: ["token"] } })).toEqual([]);
  expect(request({ rerunOn: { inputs: ["*"] } })).toEqual([]);
  expect(request({ inputs, rerunOn: { inputs: ["tokn"] } }).join()).toContain(
    "spec.rerunOn: Invalid value: rerunOn.inputs must name",
  );
  expect(request({ inputs, rerunOn: ["Inputs"] }).join()).toContain("spec.rerunOn: ");
});
