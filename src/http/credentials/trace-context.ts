/** The trace of a request, by which a server's own traces, our log and the status are found by one id. */
import { randomBytes } from "node:crypto";
import { withHeader, type Credential } from "./credential.ts";

/**
 * `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header): the trace is the attempt's id without its hyphens, the
 * span another one for each try. Not sampled, since nothing here records spans. `id`: a UUID.
 */
export function createTraceContext(id: string): Credential {
  const trace = id.replaceAll("-", "").toLowerCase();
  return {
    secrets: () => [],
    added(request) {
      const span = randomBytes(8).toString("hex");
      return withHeader(request, "traceparent", `00-${trace}-${span}-00`);
    },
  };
}
