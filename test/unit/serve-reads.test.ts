/** Where objects read what they name: each for itself, whoever else reads by the same name. */
import { expect, test } from "@jest/globals";
import type { Plan } from "../../src/core/plan.ts";
import { keyText } from "../../src/core/resource.ts";
import { createController } from "../../src/engine/controller.ts";
import { memoryStore, requesterThat, thing, type, until } from "../support/memory-store.ts";

test("a name is read elsewhere for the object for which it stands for something there, and for no other", async () => {
  const read: string[] = [];
  const { store } = memoryStore([thing("shadow"), thing("plain")]);
  const stop = new AbortController();
  const controller = createController({
    kinds: [
      {
        type,
        references: () => [],
        *plan({ resource }): Plan {
          yield { type: "evaluate", evaluation: resource.metadata.name as never };
          return { status: { done: true }, result: "succeeded", reason: "Done" };
        },
      },
    ],
    store: {
      ...store,
      async read({ key }) {
        read.push(keyText(key));
        return { type: "absent" };
      },
    },
    requester: requesterThat(async (name, readNamed) => {
      await readNamed("Secret", "alias");
      read.push(`by ${JSON.stringify(name)}`);
      return { type: "values", values: [] };
    }),
    placeOf: (_kind, { metadata }, named) =>
      metadata.name === "shadow" ? { ...named, key: { namespace: "vault", name: "key" } } : named,
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
  });
  const running = controller.run(stop.signal, stop.signal);
  await until(() => read.includes('by "shadow"') && read.includes('by "plain"'));
  stop.abort(new Error("enough"));
  await running;
  const readBy = (name: string): string | undefined => read[read.indexOf(`by "${name}"`) - 1];
  expect([readBy("shadow"), readBy("plain")]).toEqual(["vault/key", "n/alias"]);
});
