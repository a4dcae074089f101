/** How an endpoint's requests prove who sends them. Invariant: every credential is a key of a Secret, and never written here. */
import { allowHTTP, mustBeEncrypted } from "./cleartext.ts";
import { fromSecret, valueOrSecret, word } from "./credential-sources.ts";
import { headerName, objectName } from "./fields.ts";
import { login } from "./login.ts";
import { oauth2 } from "./oauth2.ts";
import type { Infer, ObjectSchema } from "./schema.ts";
import { serviceAccountToken as tokenOfServiceAccount } from "./token-source.ts";

const basic = {
  type: "object",
  description: "User name and password (RFC 7617).",
  properties: {
    username: { ...valueOrSecret, description: "The user name. Exactly one source." },
    password: { ...fromSecret, description: "The password." },
  },
  required: ["username", "password"],
} as const satisfies ObjectSchema;

const bearer = {
  type: "object",
  description: "A token that does not change by itself (RFC 6750), sent as `Authorization: Bearer`.",
  properties: { token: { ...fromSecret, description: "The token, without the word Bearer." } },
  required: ["token"],
} as const satisfies ObjectSchema;

const apiKey = {
  type: "object",
  description: "A key in a header field or query parameter.",
  properties: {
    in: { type: "string", enum: ["Header", "Query"], default: "Header", description: "Where the key goes." },
    name: { ...headerName, description: "The name of the header field or query parameter." },
    value: { ...fromSecret, description: "The key." },
  },
  required: ["name", "value"],
} as const satisfies ObjectSchema;

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
const webIdentity = {
  type: "object",
  description:
    "Temporary credentials of a role, which AWS STS gives for a ServiceAccount's token (AssumeRoleWithWebIdentity), so that there is no static secret. All requests share them. They are renewed when four fifths of their life are over, and when an answer says that they have expired. Holdfast may ask for the token where its right to create serviceaccounts/token was bound in the ServiceAccount's namespace.",
  properties: {
    roleARN: {
      type: "string",
      minLength: 1,
      maxLength: 700,
      pattern: "^arn:[a-z0-9-]{1,32}:iam::[0-9]{0,12}:role/[!-~]{1,600}$",
      description:
        "The role, for example arn:aws:iam::123456789012:role/caller. Its trust policy must name the cluster's issuer.",
    },
    serviceAccountName: { ...objectName, description: "A ServiceAccount of the same namespace." },
    audience: {
      ...word,
      maxLength: 1024,
      default: "sts.amazonaws.com",
      description: "Whom the ServiceAccount's token is for. An audience that the API server itself accepts is refused.",
    },
    sessionName: {
      type: "string",
      minLength: 2,
      maxLength: 64,
      pattern: "^[A-Za-z0-9_+=,.@-]*$",
      description: "What the role's session is called in AWS's logs: holdfast-NAMESPACE where not given.",
    },
    durationSeconds: {
      type: "integer",
      format: "int64",
      minimum: 900,
      maximum: 43200,
      default: 3600,
      description: "How long the credentials are to live; the role's own limit holds, too.",
    },
    stsURL: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      pattern: "^https?://[^/?#@\\s\\\\]{1,260}(/[^?#\\s\\\\]*)?$",
      description:
        "Where STS is: of the region where not given, https://sts.REGION.amazonaws.com, and in China with .cn. It is reached with the endpoint's proxy, tls.ca and tls.minVersion.",
    },
    allowHTTP,
  },
  required: ["roleARN", "serviceAccountName"],
  "x-kubernetes-validations": [mustBeEncrypted("(has(self.stsURL) ? [self.stsURL] : [])", "stsURL", ".stsURL")],
} as const satisfies ObjectSchema;

const awsSigV4 = {
  type: "object",
  description:
    "AWS Signature Version 4, by an access key or by webIdentity. Each request, redirect and retry is signed anew, with its time.",
  properties: {
    region: { ...word, maxLength: 64, description: "The region, for example eu-central-1." },
    service: { ...word, maxLength: 64, description: "The service's name in signatures, for example execute-api." },
    accessKeyID: { ...valueOrSecret, description: "The access key's id. Exactly one source." },
    secretAccessKey: { ...fromSecret, description: "The secret access key." },
    sessionToken: { ...fromSecret, description: "The session token of temporary credentials." },
    webIdentity,
  },
  required: ["region", "service"],
  "x-kubernetes-validations": [
    {
      rule: "has(self.webIdentity) ? !has(self.accessKeyID) && !has(self.secretAccessKey) && !has(self.sessionToken) : has(self.accessKeyID) && has(self.secretAccessKey)",
      message: "set accessKeyID and secretAccessKey, or webIdentity without sessionToken",
    },
    {
      rule: "!has(self.webIdentity) || has(self.webIdentity.stsURL) || self.region.matches('^[a-z0-9-]+$')",
      message:
        "region must be of lower case letters, digits and hyphens, since STS's host is made of it; or set webIdentity.stsURL",
    },
  ],
} as const satisfies ObjectSchema;

const digest = {
  type: "object",
  description:
    "Digest (RFC 7616), where a server challenges with it. The first request goes out without a credential and is sent again when the server has refused it, a POST too; those after it answer that challenge at once.",
  properties: {
    username: { ...valueOrSecret, description: "The user name. Exactly one source." },
    password: { ...fromSecret, description: "The password." },
    algorithms: {
      type: "array",
      description:
        "By which algorithms the password may be proven, the best first; their -sess forms go with them. MD5, from whose results a password is guessed soonest, must be named: many devices know no other.",
      minItems: 1,
      maxItems: 3,
      default: ["SHA-256", "SHA-512-256"],
      "x-kubernetes-list-type": "set",
      items: { type: "string", enum: ["SHA-256", "SHA-512-256", "MD5"] },
    },
    realm: {
      type: "string",
      minLength: 1,
      maxLength: 256,
      description: "The realm that may ask for the password, as the server names it. Without it any below baseURL.",
    },
  },
  required: ["username", "password"],
} as const satisfies ObjectSchema;

const registry = {
  type: "object",
  description:
    "A registry of container images: its challenge names a service and a scope, for which a token is had from tokenURL, and kept for all that need the same.",
  properties: {
    tokenURL: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      pattern: "^https?://[^/?#@\\s\\\\]{1,260}(/[^?#\\s\\\\]*)?$",
      description:
        "Where tokens are asked for: what the challenge names as its realm must be the same, or nothing is sent there. It is reached with the endpoint's proxy, tls.ca and tls.minVersion.",
    },
    allowHTTP,
    username: { ...valueOrSecret, description: "The user name. Exactly one source. Without it tokens are asked for as nobody." },
    password: { ...fromSecret, description: "The password, or a token that stands for one." },
  },
  required: ["tokenURL"],
  "x-kubernetes-validations": [
    mustBeEncrypted("[self.tokenURL]", "tokenURL", ".tokenURL"),
    { rule: "has(self.username) == has(self.password)", message: "username and password go together: set both or neither" },
  ],
} as const satisfies ObjectSchema;

const serviceAccountToken = {
  ...tokenOfServiceAccount,
  description: tokenOfServiceAccount.description.replace(". ", ", sent as `Authorization: Bearer`. "),
} as const satisfies ObjectSchema;

export const auth = {
  type: "object",
  description:
    "How requests prove who sends them. Exactly one of its fields; a client certificate is in tls. A request cannot set what this sets, and to another origin nothing of it goes along.",
  properties: { basic, bearer, apiKey, oauth2, awsSigV4, serviceAccountToken, login, digest, registry },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies ObjectSchema;
export type Auth = Infer<typeof auth>;
