/**
 * Digest access authentication (RFC 7616): what a server challenged with is kept for all requests of an endpoint.
 *
 * Invariant: the password answers no challenge of another realm, or by an algorithm, than the endpoint's owner allows.
 */
import { createHash, randomBytes } from "node:crypto";
import { parseChallenges, parseParameters, type Challenge } from "../../core/auth-challenges.ts";
import type { DigestSettings } from "../resolve/auth.ts";
import { fieldText } from "../field-text.ts";
import { refuseForNow } from "../refusal.ts";
import type { WireRequest } from "../wire-request.ts";
import { withHeader, type Credential, type Refusing } from "./credential.ts";

interface Asked {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As it was asked for, `-sess` and all; absent: it was not said. */
  readonly algorithm: string | undefined;
  /** Absent: as it was before there were any (RFC 2069). */
  readonly quality: "auth" | "auth-int" | undefined;
  readonly userhash: boolean;
}
/** Shared by all requests of an endpoint. */
export interface DigestState {
  asked?: Asked;
  /** Requests with this nonce so far. */
  count: number;
}

/** Characters of a challenge, which is kept, and sent back with each request. */
const longestAsked = 4_096;

/** Node's names of them. */
const hashes: Readonly<Record<string, string>> = { "SHA-256": "sha256", "SHA-512-256": "sha512-256", MD5: "md5" };

/** The first request goes out without it, and again with it when it has been challenged: a 401 says that nothing was done. */
export function digestCredential(settings: DigestSettings, state: DigestState): Credential {
  let used: Asked | undefined;
  return {
    secrets: () => [settings.password],
    added(request) {
      const { asked } = state;
      used = asked;
      if (!asked) return request;
      state.count += 1;
      return withHeader(request, "authorization", digestHeader(settings, asked, { request, count: state.count }));
    },
    refused: ({ statusCode }) => statusCode === 401,
    renewed(_signal, answer) {
      const asked = chooseChallenge(settings, answer);
      // Somebody else's request may have been challenged meanwhile, with another nonce.
      if (!asked || (asked.nonce === used?.nonce && asked.algorithm === used.algorithm)) return Promise.resolve(false);
      state.asked = asked;
      state.count = 0;
      return Promise.resolve(true);
    },
    answered({ headers }) {
      const info = fieldsOf(headers["authentication-info"])[0];
      const next = info === undefined ? undefined : parseParameters(info).get("nextnonce");
      if (next === undefined || next.length > longestAsked || !state.asked || state.asked.nonce !== used?.nonce) return;
      state.asked = { ...state.asked, nonce: next };
      state.count = 0;
    },
  };
}

function fieldsOf(field: string | string[] | undefined): readonly string[] {
  return field === undefined ? [] : [field].flat().map(fieldText);
}

/** The best of what was asked for; undefined: no Digest was. Throws `RefusedError` where none of it is allowed. */
function chooseChallenge({ field, algorithms, realm }: DigestSettings, { headers }: Refusing): Asked | undefined {
  const digests = parseChallenges(fieldsOf(headers["www-authenticate"])).filter(({ scheme }) => scheme === "digest");
  if (digests.length === 0) return undefined;
  const ofRealm = digests.filter(({ parameters }) => realm === undefined || parameters.get("realm") === realm);
  if (ofRealm.length === 0)
    return refuseForNow("ChallengeRefused", `${field}.realm: the server asks for the password of another realm`);
  const able = ofRealm.flatMap((challenge) => askedBy(challenge) ?? []);
  const best = algorithms.flatMap((name) => able.filter((one) => hashName(one) === name));
  if (best[0]) return best[0];
  const names = Object.keys(hashes).filter((name) => able.some((one) => hashName(one) === name));
  const what = names.length === 0 ? "in a way that is none of RFC 7616" : `by ${names.join(" or ")}`;
  return refuseForNow(
    "ChallengeRefused",
    `${field}.algorithms: the server asks for a digest ${what}, and ${algorithms.join(", ")} may be used`,
  );
}

/** Which of `hashes` it is, with or without `-sess`. */
function hashName({ algorithm = "MD5" }: Pick<Asked, "algorithm">): string {
  return algorithm.toUpperCase().replace("-SESS", "");
}

function askedBy({ parameters }: Challenge): Asked | undefined {
  const [realm, nonce, algorithm] = ["realm", "nonce", "algorithm"].map((name) => parameters.get(name));
  const offered = parameters
    .get("qop")
    ?.toLowerCase()
    .split(",")
    .map((one) => one.trim());
  const quality = (["auth", "auth-int"] as const).find((one) => offered?.includes(one));
  if (realm === undefined || nonce === undefined || (offered && !quality)) return undefined;
  if (realm.length + nonce.length + (parameters.get("opaque")?.length ?? 0) > longestAsked) return undefined;
  if (!Object.hasOwn(hashes, hashName({ algorithm }))) return undefined;
  const userhash = parameters.get("userhash")?.toLowerCase() === "true";
  return { realm, nonce, opaque: parameters.get("opaque"), algorithm, quality, userhash };
}

interface Sent {
  readonly request: WireRequest;
  readonly count: number;
  /** The client's nonce: another for each request. */
  readonly clientNonce?: string;
}
/** The value of Authorization (RFC 7616, section 3.4). */
export function digestHeader(
  { username, password }: Pick<DigestSettings, "username" | "password">,
  asked: Asked,
  { request, count, clientNonce = randomBytes(16).toString("base64url") }: Sent,
): string {
  const { realm, nonce, algorithm, quality, opaque, userhash } = asked;
  const hash = (...parts: readonly (string | Uint8Array)[]): string => {
    const made = createHash(hashes[hashName(asked)] ?? "md5");
    for (const part of parts) made.update(part);
    return made.digest("hex");
  };
  const { method, path, body = "" } = request;
  const own = hash(`${username}:${realm}:${password}`);
  const isSession = algorithm?.toUpperCase().endsWith("-SESS") === true;
  const secret = isSession ? hash(`${own}:${nonce}:${clientNonce}`) : own;
  const what = hash(quality === "auth-int" ? `${method}:${path}:${hash(body)}` : `${method}:${path}`);
  const nonceCount = count.toString(16).padStart(8, "0");
  const response =
    quality === undefined
      ? hash(`${secret}:${nonce}:${what}`)
      : hash(`${secret}:${nonce}:${nonceCount}:${clientNonce}:${quality}:${what}`);
  const named = userhash
    ? `username="${hash(`${username}:${realm}`)}"`
    : /^[\x20-\x7e]*$/.test(username)
      ? `username=${quote(username)}`
      : `username*=UTF-8''${encodeURIComponent(username).replace(/['()*!]/g, percent)}`;
  const parts = [
    named,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(path)}`,
    `response="${response}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(quality === undefined ? [] : [`qop=${quality}`, `nc=${nonceCount}`]),
    ...(quality === undefined && !isSession ? [] : [`cnonce="${clientNonce}"`]),
    ...(userhash ? ["userhash=true"] : []),
  ];
  return `Digest ${parts.join(", ")}`;
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
