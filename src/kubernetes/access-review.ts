/**
 * Who a bearer token is, and whether they may read a path that is no resource: the API server's to say, by TokenReview and
 * SubjectAccessReview. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication
 *
 * Invariant: nobody is let in without its word, which is remembered for a minute at most; a token is kept as a digest only.
 */
import { createHash } from "node:crypto";
import type { ApiClient } from "./api-client.ts";

type Access = "allowed" | "forbidden" | "unauthenticated";

/** Long enough for one scrape to pay for the next, short enough for a right to be taken away. */
const rememberMs = { allowed: 60_000, forbidden: 10_000, unauthenticated: 10_000 } as const satisfies Record<Access, number>;
const mostRemembered = 256;
/** Whoever reaches the port can bring tokens without end: asking about them leaves our other calls their room. */
const mostAtOnce = 8;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: object;
    };
  };
}
interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean };
}

/** Whether the bearer of `token` may GET `path`. Rejects with what the API server's client throws, and where it asks about too many. */
export function createAccessReview(
  client: ApiClient,
  now: () => number = () => performance.now(),
): (token: string, path: string, signal: AbortSignal) => Promise<Access> {
  const remembered = new Map<string, { readonly access: Access; readonly untilMs: number }>();

  let underWay = 0;
  async function review(token: string, path: string, signal: AbortSignal): Promise<Access> {
    const { status } = await createReview<TokenReview>("authentication.k8s.io", "TokenReview", { token }, signal);
    if (status?.authenticated !== true || status.user?.username === undefined) return "unauthenticated";
    const { username: user, uid, groups, extra } = status.user;
    const spec = { user, uid, groups, extra, nonResourceAttributes: { path, verb: "get" } };
    const answer = await createReview<SubjectAccessReview>("authorization.k8s.io", "SubjectAccessReview", spec, signal);
    return answer.status?.allowed === true ? "allowed" : "forbidden";
  }
  async function createReview<T>(group: string, kind: string, spec: object, signal: AbortSignal): Promise<T> {
    const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
    const { body } = await client.call({ method: "POST", path, body: { apiVersion: `${group}/v1`, kind, spec } }, signal);
    return body as T;
  }

  return async (token, path, signal) => {
    const key = createHash("sha256").update(`${path} ${token}`).digest("base64");
    const known = remembered.get(key);
    if (known && known.untilMs > now()) return known.access;
    remembered.delete(key);
    if (underWay >= mostAtOnce) throw new Error("too many tokens are being asked about");
    underWay += 1;
    const access = await review(token, path, signal).finally(() => (underWay -= 1));
    for (const oldest of remembered.keys()) {
      if (remembered.size < mostRemembered) break;
      remembered.delete(oldest);
    }
    remembered.set(key, { access, untilMs: now() + rememberMs[access] });
    return access;
  };
}
