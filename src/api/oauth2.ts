/** Tokens of an OAuth 2 token server, by the grants that need nobody at a browser. */
import { allowHTTP, mustBeEncrypted } from "./cleartext.ts";
import { fromSecret, valueOrSecret, word } from "./credential-sources.ts";
import { objectName, secretKeyRef } from "./fields.ts";
import type { Infer, ObjectSchema } from "./schema.ts";
import { signatureAlgorithm, tokenSource } from "./token-source.ts";

const tokenType = {
  type: "string",
  minLength: 1,
  maxLength: 256,
  pattern: "^(access_token|id_token|jwt|refresh_token|saml1|saml2|urn:[!-~]+)$",
} as const;

const grants = {
  password: {
    type: "object",
    description: "The resource owner's password (RFC 6749, section 4.3), for servers that have nothing else.",
    properties: {
      username: { ...valueOrSecret, description: "The user name. Exactly one source." },
      password: { ...fromSecret, description: "The password." },
    },
    required: ["username", "password"],
  },
  refreshToken: {
    ...fromSecret,
    properties: {
      ...fromSecret.properties,
      keepIn: {
        ...objectName,
        description:
          "A Secret that Holdfast makes, in which it keeps what the server gives in the refresh token's place, before anything that came with it is used. Needed where a server does so: without it the other one is in memory alone, and the grant is lost with the process.",
      },
    },
    description:
      "A refresh token (RFC 6749, section 6). One that the server gives in its place is used from then on, until the Secret here holds another.",
    "x-kubernetes-validations": [
      {
        rule: "!has(self.keepIn) || self.keepIn != self.secretKeyRef.name",
        message: "keepIn must be another Secret than the declared one, which is its owner's and is not changed",
      },
    ],
  },
  jwtBearer: {
    type: "object",
    description: "A JWT as an authorization grant (RFC 7523, section 2.1): Google service accounts, say.",
    properties: { assertion: { ...tokenSource, description: `The JWT. ${tokenSource.description}` } },
    required: ["assertion"],
  },
  tokenExchange: {
    type: "object",
    description: "One token for another (RFC 8693): a ServiceAccount's for a cloud's, say.",
    properties: {
      subjectToken: { ...tokenSource, description: `The token that is exchanged. ${tokenSource.description}` },
      subjectTokenType: {
        ...tokenType,
        description:
          "What subjectToken is: access_token, id_token, jwt, refresh_token, saml1 or saml2, or a URN. jwt where not given, and access_token with a Secret.",
      },
      actorToken: { ...tokenSource, description: `Of the party that acts for the subject. ${tokenSource.description}` },
      actorTokenType: { ...tokenType, description: "What actorToken is." },
      requestedTokenType: { ...tokenType, description: "What is wanted in exchange." },
    },
    required: ["subjectToken"],
  },
} as const;

const grantCount = `[${Object.keys(grants)
  .map((name) => `has(self.${name})`)
  .join(", ")}].filter(given, given).size()`;

export const oauth2 = {
  type: "object",
  description:
    "A token of an OAuth 2 token server: by client credentials (RFC 6749, section 4.4), or by one of password, refreshToken, jwtBearer and tokenExchange. All requests share one token, which is renewed when four fifths of its life are over, and when a request is answered 401; it stays in use until another is there.",
  properties: {
    tokenURL: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      pattern: "^https?://[^/?#@\\s\\\\]{1,260}(/[^#\\s\\\\]*)?$",
      description: "Where tokens are asked for. It is reached with the endpoint's proxy, tls.ca and tls.minVersion.",
    },
    allowHTTP,
    clientID: {
      ...valueOrSecret,
      description: "The client's id. Exactly one source. Needed but with clientAssertion, jwtBearer and tokenExchange.",
    },
    clientSecret: { ...fromSecret, description: "The client's secret. One of this, privateKeyJWT and clientAssertion." },
    authMethod: {
      type: "string",
      enum: ["Basic", "Post"],
      default: "Basic",
      description:
        "How the secret is sent. Basic: client_secret_basic, in the Authorization header; Post: client_secret_post, in the body.",
    },
    privateKeyJWT: {
      type: "object",
      description: "The client signs an assertion with its private key (RFC 7523, private_key_jwt).",
      properties: {
        key: { ...fromSecret, description: "The private key, PEM (PKCS #8), without a passphrase." },
        keyID: { ...word, description: "The key's id, `kid`, where the server knows several." },
        algorithm: signatureAlgorithm,
      },
      required: ["key"],
    },
    clientAssertion: {
      ...tokenSource,
      description: `A JWT that says who the client is (RFC 7523, section 2.2): a ServiceAccount's token, so that there is no static secret. ${tokenSource.description}`,
    },
    ...grants,
    scopes: {
      type: "array",
      description: "What the token is to be good for.",
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: { ...word, pattern: "^[!#-\\[\\]-~]+$" },
    },
    audience: {
      ...word,
      maxLength: 1024,
      description: "Whom the token is for: the parameter `audience`, which some servers want.",
    },
    resource: {
      type: "array",
      description: "What the token is for: the parameter `resource`, once for each (RFC 8707).",
      maxItems: 8,
      "x-kubernetes-list-type": "set",
      items: { ...word, maxLength: 1024 },
    },
    parameters: {
      type: "array",
      description: "Further parameters of the request for a token, as its server wants them.",
      maxItems: 16,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        description: "A name, and exactly one source.",
        properties: {
          name: {
            type: "string",
            minLength: 1,
            maxLength: 256,
            description: "The parameter's name.",
            "x-kubernetes-validations": [
              {
                rule: "!(self in ['grant_type', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'assertion', 'subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'scope', 'audience', 'resource', 'username', 'password', 'refresh_token'])",
                message: "must be none for which there is a field",
              },
            ],
          },
          value: { type: "string", maxLength: 4096, description: "The value, written here." },
          secretKeyRef,
        },
        required: ["name"],
        "x-kubernetes-validations": [
          { rule: "has(self.value) != has(self.secretKeyRef)", message: "exactly one of value and secretKeyRef must be set" },
        ],
      },
    },
    use: {
      type: "string",
      enum: ["AccessToken", "IDToken"],
      default: "AccessToken",
      description: "Which token of the answer goes along with requests. IDToken: `id_token`, which some gateways want.",
    },
  },
  required: ["tokenURL"],
  "x-kubernetes-validations": [
    mustBeEncrypted("[self.tokenURL]", "tokenURL", ".tokenURL"),
    { rule: `${grantCount} <= 1`, message: "at most one of password, refreshToken, jwtBearer and tokenExchange may be set" },
    {
      rule: "[has(self.clientSecret), has(self.privateKeyJWT), has(self.clientAssertion)].filter(given, given).size() <= 1",
      message: "at most one of clientSecret, privateKeyJWT and clientAssertion may be set",
    },
    {
      rule: `${grantCount} == 1 || has(self.clientSecret) || has(self.privateKeyJWT) || has(self.clientAssertion)`,
      message: "exactly one of clientSecret, privateKeyJWT and clientAssertion must be set",
    },
    {
      rule: "has(self.clientID) || (!has(self.clientSecret) && !has(self.privateKeyJWT) && (has(self.clientAssertion) || has(self.jwtBearer) || has(self.tokenExchange)))",
      message: "clientID must be set, but with clientAssertion, jwtBearer and tokenExchange",
    },
  ],
} as const satisfies ObjectSchema;
export type OAuth2 = Infer<typeof oauth2>;
