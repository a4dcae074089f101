/** Live objects: what is made of them looks where they looked, whatever their ids hold. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { openTranslator, peerRequest } from "../support/peer-objects.ts";
import { runs } from "../support/fuzz.ts";

const { translated } = openTranslator();

const baseUrl = "http://origin.example/things";
function live(url: string, body: object, more: object = {}): unknown {
  const mappings = [
    { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
    { action: "OBSERVE", url },
    { action: "UPDATE", url, body: ".payload.body" },
    { action: "REMOVE", url },
  ];
  const status = {
    response: { statusCode: 200, body: JSON.stringify(body), headers: {} },
    requestDetails: { method: "GET", url: "" },
  };
  return peerRequest({ payload: { baseUrl, body: '{"name":"ada"}' }, mappings, ...more }, { status });
}
const byID = '.payload.baseUrl + "/" + .response.body.id';

test.each([
  ["7", "http://origin.example/things/${ .externalID }"],
  ["a@b:c", "http://origin.example/things/${ .externalID }"],
  ["a b", "http://origin.example/things/${ .externalID }"],
  ["a/b", '${ "http://origin.example/things/\\(.externalID)" | split(" ") | join("%20") }'],
  ["a%2Fb", '${ "http://origin.example/things/\\(.externalID)" | split(" ") | join("%20") }'],
  ["a?b=c", '${ "http://origin.example/things/\\(.externalID)" | split(" ") | join("%20") }'],
])("the id %s is observed by %s", async (id, url) => {
  const { manifest, findings } = await translated(live(byID, { id, name: "ada" }));
  expect(manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": id });
  expect(manifest?.spec).toMatchObject({ observe: { url }, update: { url }, delete: { url } });
  expect(findings.map(({ level, message }) => `${level} ${message.split(":")[0]}`)).toContain("INFO verified");
  expect(findings.filter(({ level }) => level === "HARD" || level === "WARN")).toEqual([]);
});

test("several ids, a Secret in the URL and a number are verified as well", async () => {
  const url = '.payload.baseUrl + "/{{ team:here:name }}/\\(.response.body.team)/" + (.response.body.id | tostring)';
  const { manifest, findings } = await translated(live(url, { id: 12, team: "a/b", name: "ada" }));
  expect(manifest?.metadata.annotations).toEqual({ "holdfast.dev/external-id": '["a/b",12]' });
  expect(findings.filter(({ level }) => level === "HARD" || level === "WARN")).toEqual([]);
  expect(findings.map(({ message }) => message)).toContain("verified: with the id it is the URL that was observed there");
});

test("whatever an id holds, the URL is verified, or the object is suspended and told", async () => {
  const id = fc.string({
    unit: fc.constantFrom("a", "/", "%", "2", "F", " ", "?", "#", "&", "+", "é", ".", "\\", '"', "@"),
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(id, async (text) => {
      const { manifest, findings } = await translated(live(byID, { id: text, name: "ada" }));
      const isVerified = findings.some(({ message }) => message.startsWith("verified"));
      const isRefused = findings.some(({ level, field }) => level === "HARD" && field === "observe.url");
      expect([isVerified, isRefused]).toEqual(isVerified ? [true, false] : [false, true]);
      expect(manifest?.spec["suspend"] === true).toBe(isRefused);
    }),
    runs(60),
  );
});

test("an object that is behind is told", async () => {
  const behind = await translated(live(byID, { id: "7", name: "bob" }));
  expect(behind.findings.map(({ level, field }) => `${level} ${field}`)).toContain("WARN status.response");
  const check = { expectedResponseCheck: { type: "CUSTOM", logic: ".response.body.name != null" } };
  const custom = await translated(live(byID, { id: "7", name: "bob" }, check));
  expect(custom.findings.filter(({ level }) => level === "WARN")).toEqual([]);
});

test("an object that is being deleted is suspended, and told", async () => {
  const given = live(byID, { id: "7", name: "ada" }) as { readonly metadata: object };
  const metadata = { ...given.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  const { manifest, findings } = await translated({ ...given, metadata });
  expect(manifest?.spec["suspend"]).toBe(true);
  expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain("WARN metadata.deletionTimestamp");
});

test("an object's own interval is kept", async () => {
  const given = live(byID, { id: "7", name: "ada" }) as { readonly metadata: object };
  const metadata = { ...given.metadata, annotations: { "crossplane.io/poll-interval": "90s" } };
  const { manifest } = await translated({ ...given, metadata });
  expect(manifest?.spec["interval"]).toBe("1m30s");
});
