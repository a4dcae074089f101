/** How an exchange connects, and as whom: everything that is referred to, read and checked before anything is sent. */
import type { Connection } from "../../core/connection.ts";
import type { Read } from "../../core/ports.ts";
import { resolveAuth, type AuthSettings } from "./auth.ts";
import { settingsOf, type ClientSettings } from "../connect/client-settings.ts";
import { proxySecrets, resolveProxy } from "./proxy.ts";
import { RefusedError } from "../refusal.ts";
import { resolveSign, type SignSettings } from "./sign.ts";
import { resolveTls } from "./tls.ts";

export interface Connecting {
  readonly settings: ClientSettings;
  readonly auth: AuthSettings | undefined;
  readonly sign: SignSettings | undefined;
  /** Values that must not be shown, beside the credential's and the signature's. */
  readonly secrets: readonly string[];
}
type Own = Pick<ClientSettings, "timeoutMs" | "namespace">;

/** `own`: what else is part of the client's settings. Rejects with a `RefusedError`; of an admin's endpoint it tells no more than that. */
export function resolveConnection(connection: Connection, own: Own, read: Read): Connecting | Promise<Connecting> {
  const tls = resolveTls(connection.tls, read);
  const { proxy, auth, sign, http2 } = connection;
  if (tls instanceof Promise || proxy || auth || sign) return resolveAll(connection, { tls, own }, read);
  return { settings: settingsOf(tls, http2 ? { ...own, http2: true } : own), auth: undefined, sign: undefined, secrets: [] };
}
async function resolveAll(
  connection: Connection,
  { tls, own }: { readonly tls: ReturnType<typeof resolveTls>; readonly own: Own },
  read: Read,
): Promise<Connecting> {
  const known = settingsOf(await tls, connection.http2 ? { ...own, http2: true } : own);
  const proxy = connection.proxy && (await resolveProxy(connection.proxy, read));
  const auth = connection.auth && (await resolveAuth(connection.auth, read));
  const sign = connection.sign && (await resolveSign(connection.sign, read));
  const settings = proxy === undefined ? known : { ...known, proxy };
  return { settings, auth, sign, secrets: proxySecrets(proxy) };
}

/** What `action` gives. Where it refuses for a reason that lies with an admin's endpoint, callers are told that, and no more. */
export async function hideAdminDetails<T>(connection: Connection, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw withoutAdminDetails(error, connection);
  }
}
/** The error that is thrown in place of it. */
export function withoutAdminDetails(error: unknown, { endpoint }: Connection): unknown {
  if (!endpoint || endpoint.key.namespace !== "" || !(error instanceof RefusedError)) return error;
  const { retryAfterMs } = error.refusal;
  const message = `endpointRef: ${endpoint.title} cannot be used now; its own status says why`;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new RefusedError({ type: "refusal", reason: "EndpointNotReady", message, heals: true, ...wait });
}
