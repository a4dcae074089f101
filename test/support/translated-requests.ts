/** Requests that a translation wrote, as they are sent. */
import type { HTTPResourceSpec } from "../../src/api/http-resource.ts";
import type { Inputs } from "../../src/api/request.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { fromSecret } from "./loopback-requester.ts";

/** A request as a translation writes it. */
export type Written = Pick<NonNullable<HTTPResourceSpec["create"]>, "url" | "headers" | "body"> & { readonly method: string };
export function requestOf({ url = "", method, headers = [], body }: Written): Partial<Exchange["request"]> {
  const content =
    body?.text === undefined
      ? ({ type: "json", field: "spec.body.json", value: body?.json } as const)
      : ({ type: "text", field: "spec.body.text", text: body.text } as const);
  return {
    method,
    url: { type: "absolute", field: "spec.url", text: url },
    headers: headers.map(({ name, value }) => ({ name, field: "spec.headers", text: value })),
    ...(body && { body: content }),
  };
}
export function sourcesOf(inputs: Inputs = {}): Exchange["scope"]["inputs"] {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { secretKeyRef }]) => [
      name,
      fromSecret(secretKeyRef?.name ?? "", secretKeyRef?.key ?? "", `spec.inputs.${name}`),
    ]),
  );
}
