import { describe, expect, test } from "@jest/globals";
import { retryReasons } from "../../src/api/retry.ts";
import { isCutOff } from "../../src/core/answered-status.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { readObject } from "../../src/standalone/object.ts";
import {
  openTranslator,
  peerDisposable,
  peerDocuments,
  peerFiles,
  peerObject,
  peerRequest,
  peerText,
  translator,
} from "../support/peer-objects.ts";

const { translated } = openTranslator();

const crud = [
  { action: "CREATE", url: ".payload.baseUrl", body: "{name: .payload.body.name}" },
  { action: "OBSERVE", url: '.payload.baseUrl + "/" + (.response.body.id | tostring)' },
  { action: "REMOVE", url: '.payload.baseUrl + "/" + (.response.body.id | tostring)' },
];
const payload = { baseUrl: "http://origin.example/things", body: '{"name":"ada"}' };

/** Levels and fields of what was found. */
async function said(value: unknown): Promise<readonly string[]> {
  const { findings } = await translated(value);
  return findings.map(({ level, field }) => `${level} ${field}`);
}
async function spec(value: unknown): Promise<Readonly<Record<string, unknown>>> {
  const { manifest } = await translated(value);
  return manifest?.spec ?? {};
}

test("every shape of the peer's examples becomes a valid manifest", async () => {
  const documents = peerFiles.flatMap((file) => peerDocuments(peerText(file)));
  const objects = documents.map((one) => peerObject(one)).filter(({ type }) => type !== "config");
  expect(objects).toHaveLength(31);
  for (const [index, document] of documents.entries()) {
    if (peerObject(documents[index]).type === "config") continue;
    const { manifest, findings } = await translated(document);
    expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
    expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
  }
});

test("a Request becomes the HTTPResource that one would write", async () => {
  const { manifest, findings, secrets } = await translated(
    peerRequest({
      payload: { ...payload, body: '{"name":"ada","size":12345678901234567890,"word":"x {{ word:here:key }}"}' },
      waitTimeout: "1m30s",
      headers: { Accept: ["application/json"], Authorization: ["Bearer {{ service:here:the.key }}"] },
      mappings: [
        { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
        ...crud.slice(1),
        { method: "PUT", url: '.payload.baseUrl + "/" + (.response.body.id | tostring)', body: "{name: .payload.body.name}" },
      ],
    }),
  );
  expect(findings.map(({ level }) => level).filter((level) => level !== "INFO")).toEqual([]);
  expect(secrets).toEqual([
    { namespace: "here", name: "service", key: "the.key" },
    { namespace: "here", name: "word", key: "key" },
  ]);
  const headers = [
    { name: "Accept", value: "application/json" },
    { name: "Authorization", value: "Bearer ${ .inputs.service_the_key }" },
  ];
  const url = "http://origin.example/things/${ .externalID }";
  expect(JSON.parse(JSON.stringify(manifest))).toEqual({
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPResource",
    metadata: { name: "one", namespace: "here" },
    spec: {
      externalID: ".response.body.id",
      observe: { url, headers },
      create: {
        url: "http://origin.example/things",
        headers,
        body: { json: { name: "ada", size: Number("12345678901234567890"), word: "x ${ .inputs.word_key }" } },
      },
      update: { url, headers, body: { json: { name: "ada" } } },
      delete: { url, headers },
      interval: "1m",
      timeout: "1m30s",
      inputs: {
        service_the_key: { secretKeyRef: { name: "service", key: "the.key" } },
        word_key: { secretKeyRef: { name: "word", key: "key" } },
      },
    },
  });
  expect(JSON.stringify(manifest)).toContain('"size":12345678901234567890');
});

describe("what of the answer a request is known by", () => {
  const observing = (url: string, more: object = {}): unknown =>
    peerRequest({ payload, mappings: [{ action: "OBSERVE", url, ...more }] });

  test("nothing, where its URL is known: no externalID", async () => {
    expect(await spec(observing('.payload.baseUrl + "/ada"'))).toEqual({
      observe: { url: "http://origin.example/things/ada" },
      interval: "1m",
      timeout: "5m",
    });
  });

  test.each([
    [
      '.payload.baseUrl + "/" + (.response.body.id|tostring)',
      ".response.body.id",
      "http://origin.example/things/${ .externalID }",
    ],
    [
      '.payload.baseUrl + "/" + .response.body.data.items[0]."the id"',
      '.response.body.data.items[0]["the id"]',
      "http://origin.example/things/${ .externalID }",
    ],
    [".response.headers.Location[0]", '.response.headers["location"]', "${ .externalID }"],
    [
      '"http://x.example" + .response.headers["Location"][0]',
      '.response.headers["location"]',
      "http://x.example${ .externalID }",
    ],
    [
      '. as $all | $all.payload.baseUrl + "/" + $all.response.body.id',
      ".response.body.id",
      "http://origin.example/things/${ .externalID }",
    ],
    [
      'if .payload.body.name == "ada" then .payload.baseUrl + "/" + .response.body.id else "http://no.example" end',
      ".response.body.id",
      "http://origin.example/things/${ .externalID }",
    ],
  ])("one place of it: %s", async (url, externalID, here) => {
    expect(await spec(observing(url))).toMatchObject({ externalID, observe: { url: here } });
  });

  test("several places are kept as a list", async () => {
    expect(await spec(observing('.payload.baseUrl + "/\\(.response.body.team)/\\(.response.body.id)"'))).toMatchObject({
      externalID: '[.response.body.team, .response.body.id] | tojson | if contains("null") then null else . end',
      observe: { url: "http://origin.example/things/${ .externalID | fromjson | .[0] }/${ .externalID | fromjson | .[1] }" },
    });
  });

  test.each([
    ['.payload.baseUrl + "/" + (.response.body.id | ascii_downcase)'],
    ['.payload.baseUrl + "/" + (.response.body.self | split("/") | last)'],
    ['.payload.baseUrl + "/" + (.response.body.self | ltrimstr("/v1/"))'],
    ['.payload.baseUrl + "/" + (.response.body.id | @uri)'],
    ['if .response.body.kind == "a" then .payload.baseUrl + "/a" else .payload.baseUrl + "/b" end'],
    ['.payload.baseUrl + (if .response.body.size > 5 then "/big" else "/small" end)'],
    ['.payload.baseUrl + "/" + (.response.body.id // "none")'],
    ['.payload.baseUrl + "/" + (.response | .body.id)'],
    ['.response as $r | .payload.baseUrl + "/" + $r.body.id'],
    ['.payload.baseUrl + "/" + (.response.body | fromjson | .[0].id)'],
    ['.payload.baseUrl + "/" + (.response.statusCode | tostring)'],
  ])("what a program makes of it is made of the answer here, too: %s", async (url) => {
    const { externalID, observe } = await spec(observing(url));
    expect(externalID).toContain(url);
    expect(observe).toMatchObject({ url: "${ .externalID }" });
  });

  test("an id that a body has as a number stays one", async () => {
    const body = '{id: .response.body.id, note: "of \\(.response.body.id)"}';
    const made = await spec(peerRequest({ payload, mappings: [...crud, { action: "UPDATE", url: ".payload.baseUrl", body }] }));
    expect(made).toMatchObject({
      externalID: ".response.body.id",
      update: { body: { json: { id: "${ .response.body.id }", note: "of ${ .externalID }" } } },
    });
    const removed = await spec(
      peerRequest({ payload, mappings: [...crud.slice(0, 2), { action: "REMOVE", url: ".payload.baseUrl", body }] }),
    );
    expect(removed).toMatchObject({
      externalID: '[.response.body.id] | tojson | if contains("null") then null else . end',
      delete: { body: { json: { id: "${ .externalID | fromjson | .[0] }" } } },
    });
  });

  test("what only update takes of an answer it takes of the latest", async () => {
    const update = {
      action: "UPDATE",
      url: '.payload.baseUrl + "/" + .response.body.id',
      body: "{version: .response.body.version}",
    };
    expect(await spec(peerRequest({ payload, mappings: [...crud, update] }))).toMatchObject({
      externalID: ".response.body.id",
      update: {
        url: "http://origin.example/things/${ .externalID }",
        body: { json: { version: "${ .response.body.version }" } },
      },
    });
  });

  test("an id that would hold a Secret's value is refused", async () => {
    const url = '.payload.baseUrl + "/{{ word:here:key }}/" + (.response.body.id | ascii_downcase)';
    expect(await said(observing(url))).toContain("HARD mappings[0].url");
  });
});

describe("header fields", () => {
  const sent = async (value: string): Promise<unknown> => {
    const made = await spec(
      peerRequest({ payload, mappings: [{ action: "OBSERVE", url: ".payload.baseUrl", headers: { "X-It": [value] } }] }),
    );
    return (made["observe"] as { readonly headers: readonly { readonly value: string }[] }).headers[0]?.value;
  };

  test.each([
    ["2022-11-28", "2022-11-28", true],
    ["1.0", "1.0", true],
    ["true", "true", true],
    ["keys", "keys", true],
    ["null", "null", true],
    [".", ".", true],
    [".payload.nothing", ".payload.nothing", true],
    ['"x"', "x", false],
    ['("x" + "y")', "xy", false],
    ["application/json", "application/json", false],
    ["text/html, */*;q=0.1", "text/html, */*;q=0.1", false],
    ["gzip", "gzip", false],
    ["no-cache", "no-cache", false],
    [".payload.body.name", "ada", false],
    ['error("x")', 'error("x")', false],
    ["empty", "empty", false],
    ["a ${ b", "a $${ b", false],
    ["Bearer {{ service:here:key }}", "Bearer ${ .inputs.service_key }", false],
    ['("Bearer {{ service:here:key }}")', "Bearer ${ .inputs.service_key }", false],
    ["cost: ${{ service:here:key }}", 'cost: ${ "$\\(.inputs.service_key)" }', false],
  ])("%s is sent as %s", async (value, here, fixed) => {
    expect(await sent(value)).toBe(here);
    const mappings = [{ action: "OBSERVE", url: ".payload.baseUrl", headers: { "X-It": [value] } }];
    expect((await said(peerRequest({ payload, mappings }))).includes("FIX mappings[0].headers.X-It")).toBe(fixed);
  });

  test("those that the client sets itself are dropped, and a list is several fields", async () => {
    const headers = { Host: ["a"], "content-length": ["3"], "X-It": ["a", "b"] };
    const value = peerDisposable({ headers });
    expect(await spec(value)).toMatchObject({
      headers: [
        { name: "X-It", value: "a" },
        { name: "X-It", value: "b" },
      ],
    });
    expect(await said(value)).toEqual(expect.arrayContaining(["DROP headers.Host", "DROP headers.content-length"]));
  });
});

describe("ways that are otherwise here are told", () => {
  test.each<[string, unknown, string]>([
    ["no OBSERVE", peerRequest({ payload, mappings: [crud[0]] }), "HARD mappings"],
    ["no REMOVE", peerRequest({ payload, mappings: crud.slice(0, 2) }), "CHANGE mappings"],
    [
      "a mapping of another action",
      peerRequest({ payload, mappings: [{ ...crud[1], method: "POST" }, crud[2]] }),
      "CHANGE mappings[0]",
    ],
    [
      "a body that is a list",
      peerRequest({ payload, mappings: [{ ...crud[0], body: "[1]" }, crud[1]] }),
      "HARD mappings[0].body",
    ],
    [
      "a URL that is no text",
      peerRequest({ payload, mappings: [{ action: "OBSERVE", url: ".payload" }] }),
      "HARD mappings[0].url",
    ],
    [
      "a URL that is no program",
      peerRequest({ payload, mappings: [{ action: "OBSERVE", url: "http://x.example" }] }),
      "HARD mappings[0].url",
    ],
    [
      "a comment that hides the rest",
      peerRequest({ payload, mappings: [{ ...crud[0], body: "{ # why\n a: 1 }" }, crud[1]] }),
      "HARD mappings[0].body",
    ],
    [
      "a config that is not there",
      peerRequest(
        { payload, mappings: crud },
        { spec: { providerConfigRef: { name: "x" }, forProvider: { payload, mappings: crud } } },
      ),
      "WARN providerConfigRef",
    ],
    ["a field that nobody knows", peerRequest({ payload, mappings: crud, retries: 3 }), "DROP spec.forProvider.retries"],
    ["no limit of tries", peerDisposable({}), "CHANGE rollbackRetriesLimit"],
    ["a POST", peerDisposable({ method: "POST" }), "CHANGE method"],
    ["a method that is none", peerDisposable({ method: "CONNECT" }), "HARD spec.method"],
    ["a Secret elsewhere", peerDisposable({ headers: { A: ["{{ a:there:b }}"] } }), "STEP Secret"],
    [
      "a list by a query",
      peerRequest({
        payload,
        mappings: [
          { action: "OBSERVE", url: '.payload.baseUrl + "?name=a"' },
          { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body.result[0].id' },
        ],
      }),
      "HARD mappings[0]",
    ],
  ])("%s", async (_, value, finding) => {
    expect(await said(value)).toContain(finding);
  });

  test("no finding quotes a header's value or a body", async () => {
    const value = peerRequest({
      payload: { ...payload, body: '{"pin":"hunter2"}' },
      headers: { Authorization: ["Bearer hunter2", "1983"] },
      mappings: [...crud, { action: "UPDATE", url: ".payload.pin", body: ".payload.body.pin + 1" }],
    });
    const { findings } = await translated(value);
    expect(findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(findings)).not.toContain("hunter2");
  });
});

describe("how often a DisposableRequest is sent", () => {
  test.each<[object, object]>([
    [
      { rollbackRetriesLimit: 3 },
      { retry: { limit: 2, when: ["4xx", "5xx", ...retryReasons], backoff: { initial: "1s", max: "1m" } } },
    ],
    [{ rollbackRetriesLimit: 0 }, { suspend: true }],
    [
      { rollbackRetriesLimit: 2, nextReconcile: "1h0m0s", expectedResponse: ".body.ok" },
      { retry: { limit: 1, when: ["2xx", "3xx", "4xx", "5xx", ...retryReasons], backoff: { initial: "1h", max: "1h" } } },
    ],
    [
      { shouldLoopInfinitely: true, nextReconcile: "72h" },
      {
        schedule: { every: "72h" },
        retry: { limit: 100, when: ["4xx", "5xx", ...retryReasons], backoff: { initial: "1s", max: "1m" } },
      },
    ],
    [{ shouldLoopInfinitely: true }, { schedule: { every: "30s" } }],
    [
      { shouldLoopInfinitely: true, nextReconcile: "10s", rollbackRetriesLimit: 3 },
      { retry: { limit: 0 }, schedule: { every: "10s", stopAfter: { failures: 3 } } },
    ],
    [
      { shouldLoopInfinitely: true, nextReconcile: "10s", rollbackRetriesLimit: 2_000 },
      { schedule: { every: "10s", stopAfter: { failures: 1_000 } } },
    ],
  ])("%j", async (parameters, here) => {
    expect(await spec(peerDisposable(parameters))).toMatchObject(here);
  });

  test("a loop with a limit and no pause was sent until it succeeded, and is so here", async () => {
    expect(await spec(peerDisposable({ shouldLoopInfinitely: true, rollbackRetriesLimit: 3 }))).not.toHaveProperty("schedule");
  });
});

describe("a live object", () => {
  const live = (status: object, mappings: readonly object[] = crud): unknown => peerRequest({ payload, mappings }, { status });
  const answer = { statusCode: 201, body: '{"id":9007199254740993}', headers: { Location: ["/things/7"] } };

  test("keeps the id that its status tells, digit by digit", async () => {
    const { manifest } = await translated(live({ response: answer, requestDetails: { method: "GET", url: "" } }));
    expect(manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": "9007199254740993" });
    expect(manifest?.spec).not.toHaveProperty("suspend");
  });

  test("keeps the id of the last answer that was well, where one failed since", async () => {
    const { manifest } = await translated(
      live({ response: { statusCode: 401, body: '{"id":"no"}' }, cache: { response: answer } }),
    );
    expect(manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": "9007199254740993" });
  });

  test("is suspended where its id is not known, or masked", async () => {
    for (const body of ["{}", "", '{"id":"{{ one:here:id }}"}']) {
      const { manifest, findings } = await translated(live({ response: { ...answer, body } }));
      expect(manifest?.spec).toMatchObject({ suspend: true });
      expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain("HARD status.response");
    }
  });

  test("is created where it never was", async () => {
    for (const status of [{}, { response: { statusCode: 500, body: "" }, requestDetails: { method: "POST", url: "" } }]) {
      const { manifest, findings } = await translated(live(status));
      expect(manifest?.spec).not.toHaveProperty("suspend");
      expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
    }
  });

  test("is told which answers say nothing of whether it was carried out, as the table has them", async () => {
    const { findings } = await translated(peerDisposable({ method: "POST" }));
    const told = findings.find(({ field, level }) => level === "CHANGE" && field.endsWith("method"))?.message;
    const statuses = told?.match(/\b[45]\d\d\b/g)?.map(Number) ?? [];
    const all = Array.from({ length: 200 }, (_, index) => 400 + index);
    expect(statuses).toEqual(all.filter((statusCode) => isCutOff({ statusCode })));
  });

  test("is not sent again where it was, and waits where it is still being tried", async () => {
    const sent = await translated(peerDisposable({}, { status: { synced: true, response: { statusCode: 200 } } }));
    expect(sent.manifest?.metadata.annotations).toEqual({ "holdfast.dev/assume-done": "true" });
    const given = await translated(
      peerDisposable({ rollbackRetriesLimit: 2 }, { status: { failed: 2, response: { statusCode: 500 } } }),
    );
    expect(given.manifest?.metadata.annotations).toEqual({ "holdfast.dev/assume-done": "true" });
    const tried = await translated(
      peerDisposable({ rollbackRetriesLimit: 2 }, { status: { failed: 1, response: { statusCode: 500 } } }),
    );
    expect(tried.manifest?.spec).toMatchObject({ suspend: true });
    for (const more of [{ lastReconcileTime: "2026-11-01T00:00:00Z" }, { requestDetails: { url: "http://origin.example/do" } }]) {
      const unanswered = await translated(peerDisposable({}, { status: { failed: 1, error: "no answer", ...more } }));
      expect(unanswered.manifest?.spec).toMatchObject({ suspend: true });
    }
    const unsent = await translated(peerDisposable({}, { status: { failed: 1, error: "there is no such Secret" } }));
    expect(unsent.manifest?.spec).not.toHaveProperty("suspend");
  });
});

describe("the fork for long operations", () => {
  const apiVersion = "http.async.m.crossplane.io/v1alpha2";
  const polling = {
    url: '"http://o.example/" + .response.body.name',
    done: ".poll.response.body.done == true",
    error: ".poll.response.body.error",
  };
  const long = {
    payload,
    externalRef: '.poll.response.body.response.thing | split("/") | last',
    mappings: [
      { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body", polling },
      { action: "OBSERVE", url: '.payload.baseUrl + "/" + .status.externalRef' },
      {
        action: "UPDATE",
        method: "PATCH",
        url: '.payload.baseUrl + "/" + .status.externalRef',
        body: "{id: .status.externalRef}",
      },
      { action: "REMOVE", url: '.payload.baseUrl + "/" + .status.externalRef' },
    ],
  };
  const asynchronous = (forProvider: object, rest: object = {}): unknown =>
    peerRequest(forProvider, { apiVersion, kind: "AsyncRequest", ...rest });

  test("polls until the work has ended, and takes the id of its last answer", async () => {
    const { manifest, findings } = await translated(asynchronous(long));
    const url = "http://origin.example/things/${ .externalID }";
    expect(manifest?.spec).toMatchObject({
      externalID: expect.stringContaining('{response: $h.response} | (.response.body.response.thing | split("/") | last)'),
      create: {
        poll: {
          url: '${ . as $h | {response: $h.response} | ("http://o.example/" + .response.body.name) }',
          until: ". as $h | {response: $h.response} | (.response.body.done == true)",
          failedIf: expect.stringMatching(/^\(\.response\.statusCode < 300 and /),
          interval: "5s",
          timeout: "30m",
        },
      },
      observe: { url },
      update: { url, body: { json: { id: "${ .externalID }" } } },
      delete: { url },
    });
    expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
  });

  test("knows what exists by its status, or by the name that it was given", async () => {
    const metadata = { name: "one", namespace: "here", annotations: { "crossplane.io/external-name": "given" } };
    const byStatus = await translated(asynchronous(long, { metadata, status: { externalRef: "told" } }));
    expect(byStatus.manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": "told" });
    const byName = await translated(asynchronous(long, { metadata }));
    expect(byName.manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": "given" });
  });

  test("failures that are final are told by their statuses", async () => {
    const isTerminalError =
      "(.response.statusCode >= 400 and .response.statusCode < 500 and .response.statusCode != 429) or .response.statusCode == 501";
    const { manifest } = await translated(asynchronous({ ...long, isTerminalError }));
    expect(manifest?.spec["retry"]).toEqual({ never: ["400-428", "430-499", "501"] });
    const one = peerDisposable(
      { isTerminalError: ".response.statusCode >= 500" },
      { apiVersion, kind: "AsyncDisposableRequest" },
    );
    expect((await translated(one)).manifest?.spec["retry"]).toMatchObject({ never: ["5xx"], limit: 100 });
  });

  test("a one-off is judged by the end of its work", async () => {
    const parameters = { method: "POST", polling, expectedResponse: ".body.thing != null", rollbackRetriesLimit: 1 };
    const { manifest } = await translated(peerDisposable(parameters, { apiVersion, kind: "AsyncDisposableRequest" }));
    expect(manifest?.spec).toMatchObject({
      poll: { failedIf: expect.stringContaining("(.response | (.body.thing != null)) | not") },
      retry: { limit: 0 },
    });
    expect(manifest?.spec["expect"]).not.toHaveProperty("that");
  });

  test.each<[string, unknown, string]>([
    ["a credential", asynchronous({ ...long, gcp: {} }), "HARD spec.forProvider.gcp"],
    [
      "final failures by their content",
      asynchronous({ ...long, isTerminalError: ".response.body.fatal" }),
      "HARD isTerminalError",
    ],
    [
      "final failures by their status",
      asynchronous({ ...long, isTerminalError: ".response.statusCode == 400" }),
      "CHANGE isTerminalError",
    ],
    ["work under way", asynchronous(long, { status: { polling: { response: {} } } }), "HARD status.polling"],
    [
      "an id that is changed",
      asynchronous({
        ...long,
        mappings: [{ action: "OBSERVE", url: ".payload.baseUrl + (.status.externalRef | ascii_downcase)" }],
      }),
      "HARD mappings[0].url",
    ],
    ["an object that is not the fork's", peerRequest(long), "DROP externalRef"],
  ])("tells of %s", async (_, value, finding) => {
    expect(await said(value)).toContain(finding);
  });
});

describe("what is large", () => {
  test("a large body is sent as it is", async () => {
    const body = JSON.stringify({ name: "ada", notes: Array.from({ length: 4_500 }, (_, index) => `note ${index}`) });
    const mappings = [
      { ...crud[0], body: ".payload.body" },
      ...crud.slice(1),
      { action: "UPDATE", url: '.payload.baseUrl + "/" + .response.body.id', body: ".payload.body" },
    ];
    const { manifest, findings } = await translated(peerRequest({ payload: { ...payload, body }, mappings }));
    expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
    expect(manifest?.spec["update"]).toMatchObject({ body: { json: JSON.parse(body) as object } });
  });

  test.each<[string, unknown, string]>([
    [
      "a body that is too deep",
      peerRequest({ payload: { ...payload, body: `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}` }, mappings: crud }),
      "HARD forProvider",
    ],
    [
      "a body of more values than a spec may have",
      peerRequest({
        payload: { ...payload, body: `{"a":[${"1,".repeat(20_000)}1]}` },
        mappings: [{ ...crud[0], body: ".payload.body" }, crud[1]],
      }),
      "HARD spec",
    ],
    [
      "a program that never ends",
      peerRequest({ payload, mappings: [{ ...crud[0], body: "def f: f; {a: f}" }, crud[1]] }),
      "HARD mappings[0].body",
    ],
    [
      "more header fields than one may have",
      peerDisposable({ headers: { A: Array.from({ length: 65 }, () => "b") } }),
      "HARD headers",
    ],
    [
      "more Secrets than one may read",
      peerDisposable({
        headers: { A: [Array.from({ length: 200 }, (_, index) => `{{ a:here:b${"._-"[index % 3]}${index} }}`).join("")] },
      }),
      "HARD spec.inputs",
    ],
  ])("%s is told", async (_, value, finding) => {
    await using hurried = createEvaluator({ deadlineMs: 1_000 });
    const { findings } = await translator(hurried)(value);
    expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain(finding);
  });
});
