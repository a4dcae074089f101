/** What is shown of errors and secrets. */
import { describe, expect, test } from "@jest/globals";
import { assert, property } from "fast-check";
import { spawnSync } from "node:child_process";
import { fieldTexts } from "../../src/telemetry/log.ts";
import { anyText, runs } from "../support/fuzz.ts";
import type { ActingStore, ResourceStore } from "../../src/core/ports.ts";
import { configMapType, secretType } from "../../src/core/resource.ts";
import { noteSecrets } from "../../src/cli/note-secrets.ts";
import { resolveInputs } from "../../src/http/resolve/inputs.ts";
import { ApiError } from "../../src/kubernetes/api-error.ts";

// Lines of text of the log: where a value begins and ends can be told, whatever is in it.
describe("log text", () => {
  test.each([
    ["a word, a URL, an address", "http://a.example/b?c=d&e", "http://a.example/b?c=d&e"],
    ["a blank", "no complete answer", '"no complete answer"'],
    ["nothing", "", '""'],
    ["a quote", 'a"b', String.raw`"a\"b"`],
    ["a line break", "a\nINFO forged", String.raw`"a\nINFO forged"`],
    ["what speaks to a terminal", "\u001b[2J\u009b2J", String.raw`"\u001b[2J\u009b2J"`],
    ["what is no text", { a: ["b c"] }, '{"a":["b c"]}'],
    ["nothing at all", undefined, "null"],
  ])("a value that has %s", (_, value, text) => {
    expect(fieldTexts({ name: value })).toEqual([`name=${text}`]);
  });

  test("any text can be read back, and is in one line", () => {
    assert(
      property(anyText(), (value) => {
        const [text = ""] = fieldTexts({ name: value });
        const shown = text.slice("name=".length);
        expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        if (/\s/.test(shown)) expect(shown.startsWith('"')).toBe(true);
        expect(shown.startsWith('"') ? JSON.parse(shown) : shown).toBe(value);
      }),
      runs(1_000),
    );
  });
});

describe("note secrets", () => {
  const data = { token: Buffer.from("the-token-itself"), backup: Buffer.from("a".repeat(1 << 20)) };
  const metadata = { name: "hook", namespace: "team-a", uid: "1", generation: 1, resourceVersion: "1" };
  const acting = {
    read: () => Promise.resolve({ type: "found", resource: { metadata, data } } as const),
  } as unknown as ActingStore;
  const store = { ...acting, as: () => acting } as unknown as ResourceStore;
  const { signal } = new AbortController();

  test("of a Secret that is read, the log's registry gets the keys that are used, each in its namespace", async () => {
    for (const as of ["itself", "an account"]) {
      const noted: [string, string][] = [];
      const noting = noteSecrets(store, { add: (...one) => noted.push(one) });
      const from = as === "itself" ? noting : noting.as({ namespace: "team-a", name: "sender" });
      const read = (kind: "Secret" | "ConfigMap", name: string) =>
        from.read({ type: kind === "Secret" ? secretType : configMapType, key: { namespace: "team-a", name } }, signal);
      await read("Secret", "hook");
      expect(noted).toEqual([]);
      const inputs = await resolveInputs(
        {
          token: { field: "spec.inputs.token", type: "secret", name: "hook", key: "token" },
          open: { field: "spec.inputs.open", type: "configMap", name: "hook", key: "backup" },
        },
        read,
      );
      expect(inputs.get("token")?.value).toBe("the-token-itself");
      expect(new Set(noted.map((one) => one.join(" ")))).toEqual(new Set(["the-token-itself team-a"]));
    }
  });
});

// What is made of an API server's refusal.
describe("api error", () => {
  test("no server is left alone for longer than ten minutes, whatever it asks for: no timer could count that", () => {
    const asked = (retryAfterSeconds: number): ApiError => new ApiError("GET /", 429, { details: { retryAfterSeconds } });
    expect(asked(9).retryAfterMs).toBe(9_000);
    expect(asked(1e9).retryAfterMs).toBe(600_000);
    expect(new ApiError("GET /", 503, undefined, 1e12).retryAfterMs).toBe(600_000);
    expect(new ApiError("GET /", 503, undefined).retryAfterMs).toBeUndefined();
  });
});

test("a line keeps its fields, whatever its message has", () => {
  const log = JSON.stringify(new URL("../../src/telemetry/log.ts", import.meta.url));
  const script = `const { createLog } = await import(${log});
    createLog({ level: "info", format: "json", scrub: (line) => line }).write("info", "100 %s of %d", { message: "b", name: "a" });`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
  expect(JSON.parse(stderr)).toMatchObject({ level: "info", message: "100 %s of %d", name: "a" });
});
