import { expect, test } from "@jest/globals";
import type { ActingStore, ResourceStore } from "../../src/core/ports.ts";
import { configMapType, secretType } from "../../src/core/resource.ts";
import { noteSecrets } from "../../src/cli/note-secrets.ts";
import { resolveInputs } from "../../src/http/resolve/inputs.ts";

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
