/** What a status records of an answer, within what `spec.record` and `spec.outputs` allow. */
import type { ItemStatus } from "../../api/for-each.ts";
import type { HTTPRequestStatus, ResponseStatus } from "../../api/http-request.ts";
import type { Response } from "../../core/outcome.ts";
import type { HTTPRequest } from "../types.ts";
import { makeSecrets } from "./outputs.ts";

const longestBodyBytes = 16_384;
const shownHeaders = ["content-type", "etag", "last-modified", "location", "x-request-id"] as const;

/** What an answer, or none, means for people. Nothing that a server sent is in it but the status code. */
export interface Judgement {
  readonly succeeded: boolean;
  readonly reason: string;
  readonly message: string;
  readonly response?: Response;
  /** With forEach; then the response is only one of several, and is not recorded. */
  readonly items?: readonly ItemStatus[];
}

type ResponseField = Pick<HTTPRequestStatus, "response">;

export type Keeping = Pick<HTTPRequest["spec"], "record" | "outputs">;
const bodyOmitted = "spec.outputs makes a Secret of this response";

/** What spec.record keeps of a new response. Without a response, what is there stays. */
export function recorded(response: Response | undefined, { record, outputs }: Keeping): ResponseField {
  if (!response || record === "None") return {};
  const { statusCode, sizeBytes, sha256, durationMs } = response;
  const fields = response.redactedHeaders ?? {};
  const isSecret = makeSecrets(outputs);
  const headers = Object.fromEntries(
    // Where a Secret is made of an answer, its Location can be one, too.
    shownHeaders
      .filter((name) => !isSecret || name !== "location")
      .flatMap((name) => (typeof fields[name] === "string" ? [[name, fields[name].slice(0, 1024)]] : [])),
  );
  return {
    response: {
      statusCode,
      ...(Object.keys(headers).length > 0 && { headers }),
      sizeBytes,
      ...(!isSecret && { sha256 }),
      durationMs,
      ...(record === "Body" && (isSecret ? { bodyOmitted } : cut(response.redactedBody))),
    },
  };
}
function cut(text: string): Pick<ResponseStatus, "body" | "bodyTruncated"> {
  const bytes = Buffer.from(text);
  if (bytes.length <= longestBodyBytes) return { body: text };
  return {
    body: bytes
      .subarray(0, longestBodyBytes)
      .toString()
      .replace(/\uFFFD$/, ""),
    bodyTruncated: true,
  };
}
/** What spec.record still allows of a response that was recorded before. */
export function shownResponse(response: ResponseStatus | undefined, { record, outputs }: Keeping): ResponseField {
  if (!response || record === "None") return {};
  if (record === "Body" && !makeSecrets(outputs)) return { response };
  const { body, bodyTruncated: _, bodyOmitted: omitted, ...summary } = response;
  const isOmitted = record === "Body" && (body !== undefined || omitted !== undefined);
  return { response: { ...summary, ...(isOmitted && { bodyOmitted }) } };
}
