/** Whatever of a credential's Secrets is missing, it is refused by name, and no promise is left that nobody waits for: one would end the process. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { testRequester } from "../support/loopback-requester.ts";
import { bases } from "../support/worst-inputs.ts";

interface Spec {
  readonly baseURL: string;
  readonly auth: { readonly oauth2?: object };
}
const declared = (bases("http://127.0.0.1:1/")["HTTPEndpoint"] ?? []) as readonly (Omit<Spec, "auth"> & Partial<Spec>)[];
const specs = declared
  .map((spec): Spec => ({ ...spec, auth: spec.auth ?? {} }))
  .filter(({ auth }) => Object.keys(auth).length > 0);
const parameters = ["a", "b"].map((name) => ({ name, secretKeyRef: { name: `missing-${name}`, key: "k" } }));
const withParameters = specs.flatMap((spec) =>
  spec.auth.oauth2 ? [{ ...spec, auth: { oauth2: { ...spec.auth.oauth2, parameters } } }] : [],
);
const referring = [...specs, ...withParameters].filter((spec) => JSON.stringify(spec).includes("secretKeyRef"));

test("of each way there is", async () => {
  const lost: unknown[] = [];
  const onLost = (reason: unknown): void => void lost.push(reason);
  process.on("unhandledRejection", onLost);
  try {
    await using http = testRequester();
    for (const spec of referring) {
      const outcome = await http.send(byEndpoint(spec), { objects: {} });
      expect([JSON.stringify(spec), outcome]).toEqual([expect.anything(), expect.objectContaining({ reason: "SecretNotFound" })]);
      await turn();
    }
    await turn();
  } finally {
    process.off("unhandledRejection", onLost);
  }
  expect(referring.length).toBeGreaterThan(20);
  expect(lost).toEqual([]);
});
