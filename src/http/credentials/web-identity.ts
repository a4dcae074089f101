/**
 * Temporary credentials of AWS STS for a ServiceAccount's token, asked for over the same clients as every other request.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 *
 * Invariant: nothing that STS sent reaches a message but the words of its closed set of errors.
 */
import type { WebIdentity } from "../../core/auth.ts";
import { refuseForNow } from "../refusal.ts";
import type { WireRequest } from "../wire-request.ts";
import type { RefusedIn } from "./credential.ts";
import type { Issued } from "./issued.ts";
import type { MakeToken } from "./made-tokens.ts";
import type { SendRequest } from "./oauth2.ts";
import type { Token } from "./tokens.ts";

interface Asking {
  readonly send: SendRequest;
  readonly userAgent: string;
  readonly makeToken: MakeToken;
}

/** Throws `RefusedError`. */
export async function assumeRole(
  settings: WebIdentity,
  { send, userAgent, makeToken }: Asking,
  signal: AbortSignal,
): Promise<Token<Issued>> {
  const { region, service, stsURL, roleARN, sessionName, durationSeconds, token } = settings;
  const { field } = token;
  const { origin, pathname } = new URL(stsURL);
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: roleARN,
    RoleSessionName: sessionName,
    DurationSeconds: String(durationSeconds),
    WebIdentityToken: await makeToken(token, signal),
  });
  const request: WireRequest = {
    method: "POST",
    origin,
    path: pathname,
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
      "user-agent": userAgent,
    },
    body: form.toString(),
  };
  const outcome = await send(request, signal);
  if (outcome.type !== "response") return refuseForNow("TokenRequestFailed", `${field}.stsURL: ${outcome.message}`);
  const { statusCode, body } = outcome.response;
  const answer = body.open();
  if (statusCode !== 200) return refuseRole(statusCode, errorCode(answer), field);
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: session, Expiration: expiration } = credentialsIn(answer);
  if (!isUsable(id, /^\w{1,128}$/) || !isUsable(secret, /^[\w+/=.~-]{1,1024}$/) || !isUsable(session, /^[\w+/=.~-]{1,8192}$/))
    return refuseForNow("TokenRequestFailed", `${field}: the answer of STS has no credentials that can be used`);
  return {
    value: {
      parts: [],
      signing: { region, service, accessKeyID: id, secretAccessKey: secret, sessionToken: session },
      secrets: [secret, session],
    },
    lifetimeMs: lifetimeOf(expiration, new Date()) ?? durationSeconds * 1_000,
  };
}

function isUsable(value: unknown, shape: RegExp): value is string {
  return typeof value === "string" && shape.test(value);
}

/** As seconds since 1970 in JSON, as text in XML. Undefined: it does not say. */
function lifetimeOf(expiration: unknown, now: Date): number | undefined {
  const time = typeof expiration === "string" ? Date.parse(expiration.slice(0, 64)) : Number.NaN;
  const ends = typeof expiration === "number" ? expiration * 1_000 : time;
  return Number.isFinite(ends) ? ends - now.getTime() : undefined;
}

const names = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] as const;
type Credentials = Readonly<Partial<Record<(typeof names)[number], unknown>>>;

/** Of JSON, which STS answers when it is asked to, or of the XML that servers like it have. */
function credentialsIn(answer: string): Credentials {
  if (isJSON(answer)) {
    const path = ["AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult", "Credentials"];
    const found = path.reduce(member, parse(answer));
    return Object.fromEntries(names.map((name) => [name, member(found, name)]));
  }
  const element = elementText(answer, "Credentials") ?? "";
  return Object.fromEntries(names.map((name) => [name, elementText(element, name)]));
}

function isJSON(text: string): boolean {
  return text.trimStart().startsWith("{");
}
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** What is in the first element of the name. A value with an entity in it is none that is looked for. */
function elementText(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  if (start === -1) return undefined;
  const from = start + name.length + 2;
  const end = xml.indexOf(`</${name}>`, from);
  return end === -1 ? undefined : xml.slice(from, end);
}

/** As AWS's services say it: in XML, in JSON, with a namespace before it or a URL behind it. */
function errorCode(content: string): string {
  const json = isJSON(content) ? parse(content) : undefined;
  const code = json === undefined ? elementText(content, "Code") : (member(member(json, "Error"), "Code") ?? codeOf(json));
  return typeof code === "string" ? bareCode(code) : "";
}
function codeOf(json: unknown): unknown {
  return member(json, "__type") ?? member(json, "code") ?? member(json, "Code");
}
function bareCode(code: string): string {
  const end = code.indexOf(":");
  const head = end === -1 ? code : code.slice(0, end);
  return head.slice(head.lastIndexOf("#") + 1).trim();
}

/** What says no to the token or the role; after others it is worth asking again soon. */
const refusals: readonly string[] = [
  "AccessDenied",
  "AccessDeniedException",
  "ExpiredToken",
  "ExpiredTokenException",
  "IDPRejectedClaim",
  "InvalidIdentityToken",
];
const failures: readonly string[] = [
  "IDPCommunicationError",
  "InternalFailure",
  "InvalidParameterValue",
  "MalformedPolicyDocument",
  "PackedPolicyTooLarge",
  "RegionDisabledException",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "ValidationError",
];

function refuseRole(statusCode: number, code: string, field: string): never {
  const isKnown = refusals.includes(code) || failures.includes(code);
  const answered = `${field}: STS answered ${statusCode}${isKnown ? ` ${code}` : ""}`;
  if (refusals.includes(code) || statusCode === 401 || statusCode === 403)
    return refuseForNow("CredentialRefused", `${answered}; check the role's trust policy: issuer, subject and audience`);
  return refuseForNow("TokenRequestFailed", answered);
}

/** By which AWS's services say that temporary credentials are good no more: nothing was done then. */
const expiries: readonly string[] = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];

export const expired: RefusedIn = {
  statusCodes: [400, 403],
  says({ headers }, content) {
    const named = headers["x-amzn-errortype"];
    return expiries.includes(typeof named === "string" ? bareCode(named) : errorCode(content));
  },
};
