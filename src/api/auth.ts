/** How an endpoint's requests prove who sends them. Invariant: every credential is a key of a Secret, and never written here. */
import { fromSecret, valueOrSecret, word } from "./credential-sources.ts";
import { headerName } from "./fields.ts";
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

const awsSigV4 = {
  type: "object",
  description: "AWS Signature Version 4. Each request, redirect and retry is signed anew, with its time.",
  properties: {
    region: { ...word, maxLength: 64, description: "The region, for example eu-central-1." },
    service: { ...word, maxLength: 64, description: "The service's name in signatures, for example execute-api." },
    accessKeyID: { ...valueOrSecret, description: "The access key's id. Exactly one source." },
    secretAccessKey: { ...fromSecret, description: "The secret access key." },
    sessionToken: { ...fromSecret, description: "The session token of temporary credentials." },
  },
  required: ["region", "service", "accessKeyID", "secretAccessKey"],
} as const satisfies ObjectSchema;

const serviceAccountToken = {
  ...tokenOfServiceAccount,
  description: tokenOfServiceAccount.description.replace(". ", ", sent as `Authorization: Bearer`. "),
} as const satisfies ObjectSchema;

export const auth = {
  type: "object",
  description:
    "How requests prove who sends them. Exactly one of its fields; a client certificate is in tls. A request cannot set what this sets, and to another origin nothing of it goes along.",
  properties: { basic, bearer, apiKey, oauth2, awsSigV4, serviceAccountToken, login },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies ObjectSchema;
export type Auth = Infer<typeof auth>;
