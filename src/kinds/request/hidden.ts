/** Secrets of an object that one of its requests does not send, and whose answer may tell them all the same. Pure. */
import type { Inputs, RequestShape } from "../../api/request.ts";
import type { Source } from "../../core/source.ts";
import { bytesInBody } from "../../core/templating.ts";
import { bodyTemplate } from "./body.ts";
import { source } from "./sources.ts";

export function secretInputs(inputs: Inputs): readonly Source[] {
  return Object.entries(inputs).flatMap(([name, { secretKeyRef }]) =>
    secretKeyRef ? [source({ field: `spec.inputs.${name}` }, { secretKeyRef })] : [],
  );
}

/** Those whose bytes it is, or a part of it. `field`: where the request is written. */
export function secretsInBody({ body }: Pick<RequestShape, "body">, field: string): readonly Source[] {
  return bytesInBody(body && bodyTemplate(body, `${field}.body`)).flatMap((one) => (one.type === "secret" ? [one] : []));
}
