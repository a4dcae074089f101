/** What a status records of an answer, within what `spec.record` and `spec.outputs` allow. */
import type { ItemStatus } from "../../api/for-each.ts";
import type { HTTPRequestStatus, ResponseStatus } from "../../api/http-request.ts";
import type { Response } from "../../core/outcome.ts";
import type { HTTPRequest } from "../types.ts";
import { makeSecrets, makeSecretsOfHeaders } from "./outputs.ts";

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

export type Keeping = Pick<HTTPRequest["spec"], "record" | "recordDigest" | "outputs">;
const bodyOmitted = "spec.outputs makes a Secret of this response";
const bodyUnshowable = "the object has too many secrets, or too long ones, to look for in this response";
const bodyUncertain = "this response may hold a Secret of the object that cannot be read now";

/** What spec.record keeps of a new response. Without a response, what is there stays. */
export function recordResponse(response: Response | undefined, keeping: Keeping): ResponseField {
  if (!response || keeping.record === "None") return {};
  const { statusCode, sizeBytes, durationMs, shown } = response;
  const isSecret = makeSecrets(keeping.outputs);
  const isMadeOfHeaders = makeSecretsOfHeaders(keeping.outputs);
  // Where a Secret is made of an answer, its Location can be one, too.
  const isKept = (name: string): boolean => (isSecret && name === "location") || (isMadeOfHeaders && name !== "content-type");
  const headers = Object.fromEntries(
    shownHeaders.flatMap((name) => {
      const value = isKept(name) ? undefined : shown.field(name);
      return value === undefined ? [] : [[name, value.slice(0, 1024)]];
    }),
  );
  const hasDigest = !isSecret && !shown.hasSecrets && keeping.recordDigest !== false;
  return {
    response: {
      statusCode,
      ...(Object.keys(headers).length > 0 && { headers }),
      sizeBytes,
      ...(hasDigest && { sha256: response.sha256 }),
      durationMs,
      ...(keeping.record === "Body" && (isSecret ? { bodyOmitted } : showBody(shown))),
    },
  };
}
function showBody(shown: Response["shown"]): Pick<ResponseStatus, "body" | "bodyTruncated" | "bodyOmitted"> {
  const excerpt = shown.body();
  if (!excerpt) return { bodyOmitted: shown.isUncertain ? bodyUncertain : bodyUnshowable };
  const { text, isCut } = excerpt;
  const bytes = Buffer.from(text);
  if (bytes.length <= longestBodyBytes) return { body: text, ...(isCut && { bodyTruncated: true }) };
  const body = bytes.subarray(0, longestBodyBytes).toString();
  return { body: body.endsWith("\uFFFD") ? body.slice(0, -1) : body, bodyTruncated: true };
}
/** Whether two records are of the same content, as far as they tell. */
export function isSameContent(one: ResponseStatus | undefined, other: ResponseStatus | undefined): boolean {
  if (!one || !other) return one === other;
  if (one.sha256 !== undefined && other.sha256 !== undefined) return one.sha256 === other.sha256;
  return one.sizeBytes === other.sizeBytes && one.body === other.body && one.bodyOmitted === other.bodyOmitted;
}
/** What spec.record still allows of a response that was recorded before. */
export function keepRecorded(response: ResponseStatus | undefined, keeping: Keeping): ResponseField {
  const { record, recordDigest, outputs } = keeping;
  if (!response || record === "None") return {};
  const isSecret = makeSecrets(outputs);
  const hasContent = response.body !== undefined || response.bodyOmitted !== undefined || response.bodyTruncated !== undefined;
  if (!hasContent && !isSecret && recordDigest !== false) return { response };
  const { sha256, ...undigested } = response;
  const digested = { ...undigested, ...(sha256 !== undefined && !isSecret && recordDigest !== false && { sha256 }) };
  if (record === "Body" && !isSecret) return { response: digested };
  const { body, bodyTruncated: _, bodyOmitted: omitted, ...summary } = digested;
  const isOmitted = record === "Body" && (body !== undefined || omitted !== undefined);
  return { response: { ...summary, ...(isOmitted && { bodyOmitted }) } };
}
