/** Without a cluster: what a token server gave in a refresh token's place outlives the process, in the state database. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { startRotatingTokens } from "../support/rotating-tokens.ts";

test("the second run presents what the first was given, and another declared token begins anew", async () => {
  await using origin = await loopbackServer((_request, response) => response.end("{}"));
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-refresh-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const apiVersion = "holdfast.dev/v1alpha1";
  const run = async (tokenURL: string, refresh: string, name: string): Promise<string> => {
    const refreshToken = { secretKeyRef: { name: "grant", key: "refresh" }, keepIn: "kept" };
    const oauth2 = { tokenURL, clientID: { value: "me" }, refreshToken };
    const manifests = [
      { apiVersion: "v1", kind: "Secret", metadata: { name: "grant" }, stringData: { refresh } },
      { apiVersion, kind: "HTTPEndpoint", metadata: { name: "e" }, spec: { baseURL: origin.url, auth: { oauth2 } } },
      { apiVersion, kind: "HTTPRequest", metadata: { name }, spec: { endpointRef: { name: "e" }, method: "POST", path: "/" } },
    ];
    const file = join(folder, "a.yaml");
    await writeFile(file, manifests.map((one) => JSON.stringify(one)).join("\n---\n"));
    const { code, stdout, stderr } = await holdfast(["run", "--once", "-f", file, "--data", join(folder, "state.db")]);
    expect(`${stdout}${stderr}`).not.toContain(refresh);
    return `${code}`;
  };
  await using tokens = await startRotatingTokens("declared-at-first");
  expect(await run(tokens.url, "declared-at-first", "one")).toBe("0");
  const { latest } = tokens;
  expect(await run(tokens.url, "declared-at-first", "two")).toBe("0");
  expect([tokens.presented, tokens.isEnded]).toEqual([["declared-at-first", latest], false]);
  await using renewed = await startRotatingTokens("declared-later");
  expect(await run(renewed.url, "declared-later", "three")).toBe("0");
  expect(renewed.presented).toEqual(["declared-later"]);
});
