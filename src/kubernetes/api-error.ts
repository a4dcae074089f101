/** What goes wrong between this process and the API server. Invariant: no message quotes what the server sent. */
import { isRecord } from "../core/tools/json.ts";

/** No answer may silence anybody for longer; and a timer that is told to wait for a month does not wait at all. */
export const maxRetryAfterMs = 10 * 60_000;

/** The API server answered, and the answer is no. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status, or the one that an error in a watch's stream carries. */
  readonly status: number;
  /** The Status object's, for example `NotFound`; `""` where the answer had none. */
  readonly reason: string;
  /** Milliseconds, ten minutes at most, where the server said when to come back. */
  readonly retryAfterMs: number | undefined;
  /** Something that it asks before it takes a write is not there or fails, a webhook say: the API server itself is, and says so. */
  readonly isInternal: boolean;
  /** What was sent, or what it would make of the object, is larger than the API server or etcd takes. */
  readonly isTooLarge: boolean;
  /** What the object would hold is wrong, by its size or by fields that are named: the same is refused each time. */
  readonly isOfContent: boolean;

  /** `request` says what was asked: method and path. */
  constructor(request: string, status: number, answer: unknown, retryAfterMs?: number) {
    const { reason, fields, retryAfterSeconds, isTooLarge } = readStatus(answer);
    super([`${request} was answered ${status}`, reason, fields.join(", ")].filter(Boolean).join(" "));
    this.status = status;
    this.reason = reason;
    this.isInternal = status === 500 && reason === "InternalError" && !isTooLarge;
    this.isTooLarge = status === 413 || (status === 500 && isTooLarge);
    this.isOfContent = this.isTooLarge || (status === 422 && fields.length > 0);
    const askedMs = retryAfterMs ?? (retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000);
    this.retryAfterMs = askedMs === undefined ? undefined : Math.min(askedMs, maxRetryAfterMs);
  }
}

/** No answer, or none that can be read. `code` is undici's or Node's, or one of those below. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
  readonly code: string;

  constructor(request: string, code: string, options?: ErrorOptions) {
    super(`${request} failed: ${code}`, options);
    this.code = code;
  }
}
/** Took longer than its deadline. */
export const timedOut = "TIMEOUT";
/** Not JSON, or not what the API promises. */
export const unreadable = "UNREADABLE_ANSWER";
export const tooLarge = "ANSWER_TOO_LARGE";

/** The kubeconfig's plugin or files gave no credentials. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
  readonly code = "NO_CREDENTIALS";
}

/** Whether the same call may succeed later without anybody changing what it says. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ApiUnreachableError) return true;
  return error instanceof ApiError && !error.isTooLarge && (error.status === 429 || error.status >= 500);
}

interface Status {
  readonly reason: string;
  /** Of `details.causes`: the names of fields, which say what is wrong without quoting their values. */
  readonly fields: readonly string[];
  readonly retryAfterSeconds: number | undefined;
  readonly isTooLarge: boolean;
}
/**
 * What etcd (ErrRequestTooLarge) and gRPC's client say of an object that is too large. The API server passes it on as a 500
 * like any other, so that only the text tells it from an outage.
 */
const tooLargeTexts = ["request is too large", "message larger than max"];
/** https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#status-v1-meta */
function readStatus(answer: unknown): Status {
  if (!isRecord(answer)) return { reason: "", fields: [], retryAfterSeconds: undefined, isTooLarge: false };
  const details = isRecord(answer["details"]) ? answer["details"] : {};
  const causes = Array.isArray(details["causes"]) ? details["causes"].filter(isRecord) : [];
  const seconds = details["retryAfterSeconds"];
  return {
    reason: typeof answer["reason"] === "string" ? answer["reason"] : "",
    fields: causes.map(({ field }) => field).filter((field) => typeof field === "string"),
    retryAfterSeconds: typeof seconds === "number" ? seconds : undefined,
    isTooLarge: tooLargeTexts.some((text) => String(answer["message"]).includes(text)),
  };
}

/**
 * Whether the API server itself says that the object is not there. A 404 without its reason is of something in between, a gateway say,
 * or of a type that the API server lacks: it says nothing of the object.
 */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404 && error.reason === "NotFound";
}
/** Whether the API server itself says that the object is another one by now, or is there already. A webhook answers 409 as it likes. */
export function isWriteConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && ["Conflict", "AlreadyExists"].includes(error.reason);
}
/** Whether a write may be refused for what the object has become, or that it is gone: reading it tells. */
export function mayHaveChanged(error: unknown): error is ApiError {
  return error instanceof ApiError && (isNotFound(error) || error.status === 409 || error.status === 422);
}

/** Whether the answer is no, by rights (403) or by a policy or a webhook, which answer as they like; and neither that it is gone nor busy. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && !otherwiseMeant.includes(error.status);
}
const otherwiseMeant = [401, 404, 408, 409, 429];

/** What a refused write of one object means: it is forbidden, or it is gone or another one by now. Throws whatever else went wrong. */
export function refusalOf(error: unknown): { readonly type: "forbidden" | "conflict" } {
  if (isForbidden(error)) return { type: "forbidden" };
  if (isNotFound(error) || isWriteConflict(error)) return { type: "conflict" };
  throw error;
}
