/**
 * The values behind an endpoint's auth, read and checked before anything is sent.
 *
 * Invariant: an empty or unusable credential is refused and never sent; what is refused names the field and no value.
 */
import {
  loginRequests,
  type AuthSources,
  type LoginSources,
  type ServiceAccountTokenRequest,
  type WebIdentity,
} from "../../core/auth.ts";
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { bytesInBody } from "../../core/templating.ts";
import { readBytes, type AllBytes } from "./bytes.ts";
import { refuse, refuseForNow } from "../refusal.ts";
import { credentialText, refuseFor } from "./credential-text.ts";
import { resolveInputs, type Inputs } from "./inputs.ts";
import { resolveOAuth2, type OAuth2Settings } from "./oauth2.ts";
import { resolveTokens, type ResolvedToken } from "./token-source.ts";

/** What signs. */
export interface AWSSettings {
  readonly region: string;
  readonly service: string;
  readonly accessKeyID: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
export interface DigestSettings {
  readonly field: string;
  readonly type: "digest";
  readonly username: string;
  readonly password: string;
  readonly algorithms: readonly string[];
  readonly realm?: string;
}
export interface RegistrySettings {
  readonly field: string;
  readonly type: "registry";
  readonly tokenURL: string;
  readonly user?: { readonly username: string; readonly password: string };
}
export interface LoginSettings {
  readonly field: string;
  readonly type: "login";
  readonly login: LoginSources;
  readonly inputs: Inputs;
  /** Inputs that are made for each login, by name. */
  readonly tokens: Readonly<Record<string, ResolvedToken>>;
  readonly bytes: AllBytes;
}
/** `field`: where it was written. */
export type AuthSettings = { readonly field: string } & (
  | { readonly type: "basic"; readonly username: string; readonly password: string }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "apiKey"; readonly in: "Header" | "Query"; readonly name: string; readonly value: string }
  | OAuth2Settings
  | ({ readonly type: "awsSigV4" } & AWSSettings)
  | WebIdentity
  | { readonly type: "serviceAccountToken"; readonly request: ServiceAccountTokenRequest }
  | LoginSettings
  | DigestSettings
  | RegistrySettings
);

/** Of what a login takes from Secrets and ConfigMaps: by it the session is known, which is looked for with each request. */
const longestLogin = 262_144;

interface UserSources {
  readonly username: Source;
  readonly password: Source;
}
/** Throws `RefusedError`. */
export async function resolveAuth(auth: AuthSources, read: Read): Promise<AuthSettings> {
  const line = (source: Source): Promise<string> => credentialText(source, read);
  const user = async (sources: UserSources): Promise<{ readonly username: string; readonly password: string }> => {
    const [username, password] = await Promise.all([line(sources.username), line(sources.password)]);
    if (username.includes(":")) refuseFor(sources.username, "a user name with a colon cannot be sent (RFC 7617)");
    return { username, password };
  };
  const { field } = auth;
  switch (auth.type) {
    case "basic":
      return { field, type: "basic", ...(await user(auth)) };
    case "digest":
      return { ...auth, ...(await user(auth)) };
    case "registry": {
      if (!URL.canParse(auth.tokenURL)) refuse("InvalidURL", `${field}.tokenURL: this is no URL`);
      const { user: declared, ...rest } = auth;
      return { ...rest, ...(declared && { user: await user(declared) }) };
    }
    case "bearer":
      return { field, type: "bearer", token: await line(auth.token) };
    case "apiKey":
      return { field, type: "apiKey", in: auth.in, name: auth.name, value: await line(auth.value) };
    case "oauth2":
      return { field, ...(await resolveOAuth2(auth, field, read)) };
    case "awsSigV4": {
      const { type, region, service } = auth;
      const [accessKeyID, secretAccessKey] = await Promise.all([line(auth.accessKeyID), line(auth.secretAccessKey)]);
      const sessionToken = auth.sessionToken && (await line(auth.sessionToken));
      return { field, type, region, service, accessKeyID, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    }
    case "awsWebIdentity":
      if (!URL.canParse(auth.stsURL)) refuse("InvalidURL", `${auth.token.field}.stsURL: this is no URL`);
      return auth;
    case "serviceAccountToken":
      return auth;
    case "login": {
      const bodies = loginRequests(auth).flatMap(({ request }) => bytesInBody(request.body));
      const [inputs, tokens, bytes] = await Promise.all([
        resolveInputs(auth.inputs, read),
        resolveTokens(auth.tokens ?? {}, read),
        readBytes(bodies, read),
      ]);
      const contents = [...bytes.values()].reduce((sum, one) => sum + one.bytes.byteLength, 0);
      const texts = [...inputs.values()].reduce((sum, { value }) => sum + (typeof value === "string" ? value.length : 0), 0);
      if (contents + texts > longestLogin)
        refuseForNow("InvalidCredential", `${field}: its inputs and bodies hold more than ${longestLogin} characters together`);
      return { field, type: "login", login: auth, inputs, tokens, bytes };
    }
  }
}
