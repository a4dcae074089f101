/** An HMAC over what is sent, by which its receiver knows who sent it, and that nobody has changed it. */
import { headerName, secretKeyRef } from "./fields.ts";
import type { Infer, ObjectSchema } from "./schema.ts";

const note =
  "`${ .id }` is the attempt's id, the same with each try; `${ .timestamp }` the seconds since 1970 when this try leaves, `${ .timestampMillis }` the milliseconds; `${ .body }` the bytes that are sent; `${ .method }`, `${ .host }` and `${ .path }` (with its query) are as sent. No other expression may stand here.";

/** Text, in which nothing but these names may stand between `${` and `}`. */
function template(names: string): string {
  return `^([^$]|[$][^{]|[$][{] *[.](${names}) *[}])*[$]?$`;
}

const hmac = {
  type: "object",
  description: "A scheme of one's own; goes with scheme: HMAC.",
  properties: {
    algorithm: {
      type: "string",
      enum: ["SHA256", "SHA512", "SHA1"],
      default: "SHA256",
      description: "The hash. SHA1 is for receivers that know no other.",
    },
    keyEncoding: {
      type: "string",
      enum: ["Text", "Base64", "Hex"],
      default: "Text",
      description: "How the Secrets hold the keys: as they are, or encoded.",
    },
    encoding: { type: "string", enum: ["Hex", "Base64"], default: "Hex", description: "How the signature is written." },
    content: {
      type: "string",
      minLength: 1,
      maxLength: 1024,
      pattern: template("id|timestamp|timestampMillis|method|host|path|body"),
      default: "${ .body }",
      description: `What is signed. ${note}`,
    },
    headers: {
      type: "array",
      description: "The header fields that are added.",
      minItems: 1,
      maxItems: 8,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        properties: {
          name: { ...headerName, description: "The field's name (an RFC 9110 token)." },
          value: {
            type: "string",
            minLength: 1,
            maxLength: 1024,
            pattern: template("signature|id|timestamp|timestampMillis"),
            description:
              "The field's value: text with `${ .signature }`, `${ .id }`, `${ .timestamp }` or `${ .timestampMillis }`.",
          },
        },
        required: ["name", "value"],
      },
    },
  },
  required: ["headers"],
  "x-kubernetes-validations": [
    {
      rule: "self.headers.exists(header, header.value.contains('.signature'))",
      message: "one of headers must hold ${ .signature }",
    },
  ],
} as const satisfies ObjectSchema;

export const sign = {
  type: "object",
  description:
    "An HMAC over what is sent, made anew for each try, with its time. A request cannot set the header fields that it sets, and nothing of it goes to another origin. Another key or scheme sends nothing anew.",
  properties: {
    scheme: {
      type: "string",
      enum: ["StandardWebhooks", "GitHub", "Slack", "Stripe", "HMAC"],
      description:
        "StandardWebhooks: webhook-id, webhook-timestamp and webhook-signature; GitHub: X-Hub-Signature-256 and X-GitHub-Delivery; Slack: X-Slack-Request-Timestamp and X-Slack-Signature; Stripe: Stripe-Signature; HMAC: as `hmac` says.",
    },
    keys: {
      type: "array",
      description:
        "The keys. With StandardWebhooks and Stripe there may be two while one is replaced, the newer first, and both sign. Of StandardWebhooks a key is whsec_ and base64.",
      minItems: 1,
      maxItems: 2,
      "x-kubernetes-list-type": "atomic",
      items: { type: "object", properties: { secretKeyRef }, required: ["secretKeyRef"] },
    },
    hmac,
  },
  required: ["scheme", "keys"],
  "x-kubernetes-validations": [
    { rule: "has(self.hmac) == (self.scheme == 'HMAC')", message: "hmac goes with scheme: HMAC: set it there, and only there" },
    {
      rule: "self.keys.size() == 1 || self.scheme in ['StandardWebhooks', 'Stripe']",
      message: "two keys go with StandardWebhooks and Stripe, whose receivers know several signatures; otherwise there is one",
      fieldPath: ".keys",
    },
  ],
} as const satisfies ObjectSchema;
export type Sign = Infer<typeof sign>;

export interface SignatureFormat {
  readonly algorithm: "SHA1" | "SHA256" | "SHA512";
  readonly keyEncoding: "Text" | "Base64" | "Hex";
  readonly encoding: "Hex" | "Base64";
  /** What is signed: a template of `.id`, `.timestamp`, `.timestampMillis`, `.method`, `.host`, `.path` and `.body`. */
  readonly content: string;
  /** Their values are templates of `.signature`, `.id`, `.timestamp` and `.timestampMillis`. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** What stands between the signatures of several keys. */
  readonly between?: string;
  /** What a key in a Secret begins with, and is no part of it. */
  readonly keyPrefix?: string;
}

const sha256 = { algorithm: "SHA256", keyEncoding: "Text", encoding: "Hex" } as const;

/**
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 * https://docs.stripe.com/webhooks/signature
 */
export const signatureFormats = {
  StandardWebhooks: {
    algorithm: "SHA256",
    keyEncoding: "Base64",
    encoding: "Base64",
    content: "${ .id }.${ .timestamp }.${ .body }",
    headers: [
      { name: "webhook-id", value: "${ .id }" },
      { name: "webhook-timestamp", value: "${ .timestamp }" },
      { name: "webhook-signature", value: "v1,${ .signature }" },
    ],
    between: " v1,",
    keyPrefix: "whsec_",
  },
  GitHub: {
    ...sha256,
    content: "${ .body }",
    headers: [
      { name: "X-Hub-Signature-256", value: "sha256=${ .signature }" },
      { name: "X-GitHub-Delivery", value: "${ .id }" },
    ],
  },
  Slack: {
    ...sha256,
    content: "v0:${ .timestamp }:${ .body }",
    headers: [
      { name: "X-Slack-Request-Timestamp", value: "${ .timestamp }" },
      { name: "X-Slack-Signature", value: "v0=${ .signature }" },
    ],
  },
  Stripe: {
    ...sha256,
    content: "${ .timestamp }.${ .body }",
    headers: [{ name: "Stripe-Signature", value: "t=${ .timestamp },v1=${ .signature }" }],
    between: ",v1=",
  },
} as const satisfies Readonly<Record<string, SignatureFormat>>;
