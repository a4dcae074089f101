/** Every request that an HTTPResource declares, for people to read: nothing of it is sent. */
import type { Exchange, Refusal } from "../core/exchange.ts";
import { contextOf, exchangeOf } from "./http-resource-context.ts";
import type { Endpoint, HTTPResource } from "./types.ts";

/** Stands for an id that is not known. */
const anyID = "***";

/** By verb. An update that is derived from what was observed is left out: it cannot be told before. */
export function* declaredVerbs(
  resource: HTTPResource,
  { endpoint, known, now }: { endpoint: Endpoint | undefined; known: ReadonlyMap<string, unknown>; now: Date },
): Generator<{ readonly verb: string; readonly exchange: Exchange | Refusal }> {
  const context = contextOf({ resource, references: [endpoint], now, sender: "" });
  const { spec, externalID = anyID } = context;
  const attempt = { id: anyID, digest: "", phase: "InFlight", startedAt: now.toISOString(), tries: 1 } as const;
  const { lookup, observe, create, update } = spec;
  const { body: { mergePatch, ...body } = {}, ...rest } = update ?? {};
  const method = update?.method ?? (mergePatch === undefined ? "PUT" : "PATCH");
  const { expect: _, poll: __, ...sent } = update ?? {};
  const isDerived = JSON.stringify(sent).includes(".response");
  const shapes = {
    lookup,
    observe,
    create,
    update:
      update && !isDerived ? { ...update, ...rest, method, body: Object.keys(body).length > 0 ? body : undefined } : undefined,
    delete: spec.delete,
  };
  for (const [verb, shape] of Object.entries(shapes)) {
    if (!shape) continue;
    const { body: content, ...others } = shape;
    const asked = { field: `spec.${verb}`, shape: { ...others, ...(content && { body: content }) }, compile: [], attempt };
    const patch = verb === "update" && mergePatch !== undefined ? { mergePatch } : {};
    yield { verb, exchange: exchangeOf({ ...context, externalID, known }, { ...asked, ...patch }) };
  }
}
