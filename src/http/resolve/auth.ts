/**
 * The values behind an endpoint's auth, read and checked before anything is sent.
 *
 * Invariant: an empty or unusable credential is refused and never sent; what is refused names the field and no value.
 */
import { loginRequests, type AuthSources, type LoginSources, type ServiceAccountTokenRequest } from "../../core/auth.ts";
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { bytesInBody } from "../../core/templating.ts";
import { readBytes, type AllBytes } from "./bytes.ts";
import { isKeptElsewhere, resolveInputs, resolveText, type Inputs } from "./inputs.ts";
import { refuse, refuseForNow } from "../refusal.ts";

type OAuth2Client =
  | { readonly type: "secret"; readonly secret: string; readonly method: "Basic" | "Post" }
  | { readonly type: "privateKey"; readonly key: string; readonly keyID?: string; readonly algorithm: string };

export interface OAuth2Settings {
  readonly type: "oauth2";
  readonly tokenURL: string;
  readonly clientID: string;
  readonly client: OAuth2Client;
  readonly scopes: readonly string[];
  readonly audience?: string;
}
export interface AWSSettings {
  readonly type: "awsSigV4";
  readonly region: string;
  readonly service: string;
  readonly accessKeyID: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
export interface LoginSettings {
  readonly field: string;
  readonly type: "login";
  readonly login: LoginSources;
  readonly inputs: Inputs;
  readonly bytes: AllBytes;
}
/** `field`: where it was written. */
export type AuthSettings = { readonly field: string } & (
  | { readonly type: "basic"; readonly username: string; readonly password: string }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "apiKey"; readonly in: "Header" | "Query"; readonly name: string; readonly value: string }
  | OAuth2Settings
  | AWSSettings
  | { readonly type: "serviceAccountToken"; readonly request: ServiceAccountTokenRequest }
  | LoginSettings
);

/** Throws `RefusedError`. */
export async function resolveAuth(auth: AuthSources, read: Read): Promise<AuthSettings> {
  const line = (source: Source): Promise<string> => credentialText(source, read);
  const { field } = auth;
  switch (auth.type) {
    case "basic": {
      const [username, password] = await Promise.all([line(auth.username), line(auth.password)]);
      if (username.includes(":")) refuseFor(auth.username, "a user name with a colon cannot be sent (RFC 7617)");
      return { field, type: "basic", username, password };
    }
    case "bearer":
      return { field, type: "bearer", token: await line(auth.token) };
    case "apiKey":
      return { field, type: "apiKey", in: auth.in, name: auth.name, value: await line(auth.value) };
    case "oauth2": {
      const { type, tokenURL, scopes, audience, client } = auth;
      if (!URL.canParse(tokenURL)) refuse("InvalidURL", `${field}.tokenURL: this is no URL`);
      const clientID = await line(auth.clientID);
      const resolved: OAuth2Client =
        client.type === "secret"
          ? { ...client, secret: await line(client.secret) }
          : { ...client, key: await pem(client.key, read) };
      return { field, type, tokenURL, clientID, client: resolved, scopes, ...(audience !== undefined && { audience }) };
    }
    case "awsSigV4": {
      const { type, region, service } = auth;
      const [accessKeyID, secretAccessKey] = await Promise.all([line(auth.accessKeyID), line(auth.secretAccessKey)]);
      const sessionToken = auth.sessionToken && (await line(auth.sessionToken));
      return { field, type, region, service, accessKeyID, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    }
    case "serviceAccountToken":
      return auth;
    case "login": {
      const bodies = loginRequests(auth).flatMap(({ request }) => bytesInBody(request.body));
      const [inputs, bytes] = await Promise.all([resolveInputs(auth.inputs, read), readBytes(bodies, read)]);
      return { field, type: "login", login: auth, inputs, bytes };
    }
  }
}

/** Characters: it goes into a header field, a form or a query. */
const longestCredential = 65_536;

/** One line of text that a header field can hold (RFC 9110, section 5.5), and not an empty one. */
export async function credentialText(source: Source, read: Read): Promise<string> {
  const text = (await resolveText(source, read)) ?? "";
  if (text === "") refuseFor(source, "the value is empty");
  if (text.length > longestCredential) refuseFor(source, `the value is longer than ${longestCredential} characters`);
  if (/[\r\n]/.test(text))
    refuseFor(source, "the value holds a line break; a Secret that was made with echo ends in one (use echo -n)");
  if (text.trim() !== text) refuseFor(source, "the value begins or ends with a space");
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  if (/[\x00-\x1f\x7f]/.test(text)) refuseFor(source, "the value holds a control character");
  return text;
}

async function pem(source: Source, read: Read): Promise<string> {
  const text = (await resolveText(source, read)) ?? "";
  return text.includes("-----BEGIN") ? text : refuseFor(source, "this holds no PEM private key");
}

export function refuseFor(source: Source, problem: string): never {
  const message = `${source.field}: ${problem}`;
  return isKeptElsewhere(source) ? refuseForNow("InvalidCredential", message) : refuse("InvalidCredential", message);
}
