/**
 * Tokens of a registry of container images, for the service and scope that its challenge names.
 * https://distribution.github.io/distribution/spec/auth/token/
 *
 * Invariant: the user's password goes to the token server that the endpoint's owner names, wherever a challenge points.
 */
import { parseChallenges } from "../../core/auth-challenges.ts";
import { digest } from "../../core/tools/digest.ts";
import { deadline } from "../../core/tools/deadline.ts";
import { refuseForNow } from "../refusal.ts";
import type { RegistrySettings } from "../resolve/auth.ts";
import type { WireRequest } from "../wire-request.ts";
import { withParts, type Credential, type Refusing } from "./credential.ts";
import { bearerToken, type Issued } from "./issued.ts";
import { createKept, type Kept } from "./kept.ts";
import type { SendRequest } from "./oauth2.ts";
import { createTokens, type Token, type Tokens } from "./tokens.ts";

/** What a challenge asks a token for. */
interface Wanted {
  readonly service: string;
  readonly scope: string;
}
/** Of one endpoint: a server that asks for more and more fills, and empties, no other's. */
export interface RegistryState {
  /** What was asked for where, so that the next request there brings it along. */
  readonly asked: Kept<Wanted>;
  readonly tokens: Tokens<Issued>;
}
const mostPlaces = 64;
const mostTokens = 32;
/** Of which something is kept. */
export const mostRegistries = 1_000;
/** Characters of a challenge's service and scope: both are kept, and sent to the token server. */
const longestWanted = 1_024;

export function createRegistryState(): RegistryState {
  return { asked: createKept(mostPlaces), tokens: createTokens(undefined, undefined, mostTokens) };
}

interface Asking {
  readonly settings: RegistrySettings;
  /** Of these settings. */
  readonly key: string;
  readonly state: RegistryState;
  readonly fetch: (wanted: Wanted, signal: AbortSignal) => Promise<Token<Issued>>;
  /** Of the request. */
  readonly namespace: string;
}

/** `key`: of the settings. */
export function tokenKeyOf(key: string, wanted: Wanted): string {
  return digest([key, wanted]);
}

/** How long a request that was challenged waits for a token, with all that it holds. */
const waitMs = 10_000;

export function registryCredential({ settings, key, state, fetch, namespace }: Asking): Credential {
  const { asked, tokens } = state;
  const used: Issued[] = [];
  let place = "";
  let sent: { readonly key: string; readonly issued: Issued } | undefined;
  const keyFor = (wanted: Wanted): string => tokenKeyOf(key, wanted);
  const known = (wanted: Wanted | undefined): typeof sent => {
    if (!wanted) return undefined;
    const tokenKey = keyFor(wanted);
    if (tokens.problem(tokenKey)) return undefined;
    const got = tokens.get(tokenKey, (signal) => fetch(wanted, signal));
    return got.type === "token" ? { key: tokenKey, issued: got.value } : undefined;
  };
  return {
    secrets: () => used.flatMap(({ secrets }) => secrets),
    added(request) {
      place = `${request.method} ${request.path.split("?", 1)[0]}`;
      sent ??= known(asked.of(place));
      if (sent) used.push(sent.issued);
      return sent ? withParts(request, sent.issued.parts) : request;
    },
    refused: ({ statusCode }) => statusCode === 401,
    async renewed(signal, answer) {
      const wanted = wantedBy(settings, answer);
      if (!wanted) return false;
      asked.keep(place, wanted);
      const tokenKey = keyFor(wanted);
      const fetchThis = (stop: AbortSignal): Promise<Token<Issued>> => fetch(wanted, stop);
      if (sent?.key === tokenKey) {
        const issued = await tokens.renew(tokenKey, fetchThis, { value: sent.issued, namespace }, signal);
        if (issued) sent = { key: tokenKey, issued };
        return issued !== undefined;
      }
      using limit = deadline(signal, waitMs);
      sent = { key: tokenKey, issued: await tokens.wait(tokenKey, fetchThis, limit.signal) };
      return true;
    },
  };
}

/** Undefined: it asks for no token of a registry. Throws `RefusedError` where it asks for one from elsewhere. */
function wantedBy({ field, tokenURL }: RegistrySettings, { headers }: Refusing): Wanted | undefined {
  const fields = [headers["www-authenticate"] ?? []].flat();
  const bearer = parseChallenges(fields).find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm"));
  if (!bearer) return undefined;
  const [realm = "", service = "", scope = ""] = ["realm", "service", "scope"].map((name) => bearer.parameters.get(name));
  if (!URL.canParse(realm) || new URL(realm).href !== new URL(tokenURL).href)
    refuseForNow("ChallengeRefused", `${field}.tokenURL: the registry asks for a token from another place, and is sent none`);
  if (service.length + scope.length > longestWanted)
    refuseForNow(
      "ChallengeRefused",
      `${field}: the registry asks for more than ${longestWanted} characters of service and scope`,
    );
  return { service, scope: inOrder(scope) };
}

/** The same scope, always written alike: registries name what they ask for in any order, a different one each time. */
function inOrder(scope: string): string {
  const resources = scope.split(" ").map((one) => {
    const at = one.lastIndexOf(":") + 1;
    return `${one.slice(0, at)}${one.slice(at).split(",").toSorted().join(",")}`;
  });
  return resources.toSorted().join(" ");
}

/** Where an answer does not say: the least that a token lives (as the specification has it). */
const defaultLifetimeMs = 60_000;
/** Characters: servers take a header of about so many. */
const longestToken = 8_192;

/** Throws `RefusedError`. */
export async function requestRegistryToken(
  { field, tokenURL, user }: RegistrySettings,
  { service, scope }: Wanted,
  { send, userAgent, signal }: { readonly send: SendRequest; readonly userAgent: string; readonly signal: AbortSignal },
): Promise<Token<Issued>> {
  const { origin, pathname } = new URL(tokenURL);
  const query = new URLSearchParams({
    ...(service !== "" && { service }),
    ...(scope !== "" && { scope }),
    ...(user && { account: user.username }),
  }).toString();
  const pair = user && Buffer.from(`${user.username}:${user.password}`).toString("base64");
  const request: WireRequest = {
    method: "GET",
    origin,
    path: query === "" ? pathname : `${pathname}?${query}`,
    headers: {
      accept: "application/json",
      "user-agent": userAgent,
      ...(pair !== undefined && { authorization: `Basic ${pair}` }),
    },
  };
  const outcome = await send(request, signal);
  if (outcome.type !== "response") return refuseForNow("TokenRequestFailed", `${field}.tokenURL: ${outcome.message}`);
  const { statusCode, body } = outcome.response;
  if (statusCode !== 200) {
    const isRefused = statusCode === 401 || statusCode === 403;
    const advice = isRefused ? "; check the user's name and password" : "";
    const message = `${field}: the token server answered ${statusCode}${advice}`;
    return refuseForNow(isRefused ? "CredentialRefused" : "TokenRequestFailed", message);
  }
  const { token, seconds } = tokenIn(body.open());
  if (token === undefined || token.length > longestToken || !/^[\x21-\x7e]+$/.test(token))
    return refuseForNow("TokenRequestFailed", `${field}: the token server's answer has no token`);
  return { value: bearerToken(token), lifetimeMs: seconds === undefined ? defaultLifetimeMs : seconds * 1000 };
}

function tokenIn(text: string): { readonly token?: string; readonly seconds?: number } {
  try {
    const answer = JSON.parse(text) as { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
    const token = answer?.token ?? answer?.access_token;
    const seconds = answer?.expires_in;
    return { ...(typeof token === "string" && { token }), ...(typeof seconds === "number" && { seconds }) };
  } catch {
    return {};
  }
}
