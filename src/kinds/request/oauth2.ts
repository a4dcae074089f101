/** How a token server is asked, as sources that say where they were written. Pure. */
import type { OAuth2 } from "../../api/oauth2.ts";
import type { TokenSourceShape } from "../../api/token-source.ts";
import type { OAuth2Sources, TokenSource } from "../../core/auth.ts";
import type { Owner } from "../../core/output.ts";
import { secretType } from "../../core/resource.ts";
import { source, type From } from "./sources.ts";
import { tokenSource } from "./token-source.ts";

interface Own {
  /** Of ServiceAccounts. */
  readonly namespace: string;
  /** Of a Secret that is made. */
  readonly owner: Owner;
}
/** `at`: a field of the endpoint's `auth`. */
export function oauth2Sources(oauth2: OAuth2, at: (field: string) => From, { namespace, owner }: Own): OAuth2Sources {
  const { tokenURL, clientID, scopes = [], audience, resource, parameters, use } = oauth2;
  const token = (name: string, shape: TokenSourceShape): TokenSource => tokenSource(shape, at(`oauth2.${name}`), namespace);
  return {
    type: "oauth2",
    tokenURL,
    ...(clientID && { clientID: source(at("oauth2.clientID"), clientID) }),
    client: clientOf(oauth2, at, token),
    grant: oauth2.refreshToken ? refreshGrant(oauth2.refreshToken, at, owner) : grantOf(oauth2, at, token),
    scopes,
    ...(audience !== undefined && { audience }),
    ...(resource && { resource }),
    ...(parameters && {
      parameters: parameters.map(({ name, value, secretKeyRef }, index) => ({
        name,
        value: source(at(`oauth2.parameters[${index}]`), { value, secretKeyRef }),
      })),
    }),
    use,
  };
}

type At = (field: string) => From;
type Token = (name: string, shape: TokenSourceShape) => TokenSource;

function clientOf(
  { clientSecret, authMethod, privateKeyJWT, clientAssertion }: OAuth2,
  at: At,
  token: Token,
): OAuth2Sources["client"] {
  if (clientSecret) return { type: "secret", secret: source(at("oauth2.clientSecret"), clientSecret), method: authMethod };
  if (clientAssertion) return { type: "assertion", assertion: token("clientAssertion", clientAssertion) };
  if (!privateKeyJWT) return { type: "none" };
  const { key, keyID, algorithm } = privateKeyJWT;
  return {
    type: "privateKey",
    key: source(at("oauth2.privateKeyJWT.key"), key),
    algorithm,
    ...(keyID !== undefined && { keyID }),
  };
}

function refreshGrant(
  { secretKeyRef, keepIn }: NonNullable<OAuth2["refreshToken"]>,
  at: At,
  owner: Owner,
): NonNullable<OAuth2Sources["grant"]> {
  const token = source(at("oauth2.refreshToken"), { secretKeyRef });
  if (keepIn === undefined) return { type: "refreshToken", token };
  const { field } = at("oauth2.refreshToken.keepIn");
  const object = { field, type: secretType, name: keepIn, secretType: "Opaque", labels: {}, annotations: {} };
  return { type: "refreshToken", token, keep: { owner, object } };
}

function grantOf({ password, jwtBearer, tokenExchange }: OAuth2, at: At, token: Token): NonNullable<OAuth2Sources["grant"]> {
  if (password) {
    const { username, password: secret } = password;
    return {
      type: "password",
      username: source(at("oauth2.password.username"), username),
      password: source(at("oauth2.password.password"), secret),
    };
  }
  if (jwtBearer) return { type: "jwtBearer", assertion: token("jwtBearer.assertion", jwtBearer.assertion) };
  if (!tokenExchange) return { type: "clientCredentials" };
  const { subjectToken, actorToken, actorTokenType, requestedTokenType } = tokenExchange;
  const { subjectTokenType = subjectToken.secretKeyRef ? "access_token" : "jwt" } = tokenExchange;
  return {
    type: "tokenExchange",
    subject: token("tokenExchange.subjectToken", subjectToken),
    subjectType: typeURN(subjectTokenType),
    ...(actorToken && {
      actor: token("tokenExchange.actorToken", actorToken),
      actorType: typeURN(actorTokenType ?? (actorToken.secretKeyRef ? "access_token" : "jwt")),
    }),
    ...(requestedTokenType !== undefined && { requestedType: typeURN(requestedTokenType) }),
  };
}

/** RFC 8693, section 3. */
function typeURN(type: string): string {
  return type.startsWith("urn:") ? type : `urn:ietf:params:oauth:token-type:${type}`;
}
