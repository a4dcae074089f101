/** Where secrets are sent to get tokens: in the clear only to this machine, unless its owner says otherwise (RFC 6749, section 3.2). */
import type { Rule, Schema } from "./schema.ts";

export const allowHTTP = {
  type: "boolean",
  description:
    "True: it may go over http to another machine, where everybody on the way reads the secret that is sent, and the token that comes back. Without it a URL here is https, or http to localhost, 127.0.0.1 or [::1].",
} as const satisfies Schema;

const own = "^http://(localhost|127([.][0-9]{1,3}){3}|\\\\[::1\\\\])(:[0-9]{1,5})?([/?]|$)";

/** Goes on what has `allowHTTP`. `urls`: in CEL, a list of those that are set. */
export function mustBeEncrypted(urls: string, fields: string, fieldPath?: string): Rule {
  return {
    rule: `(has(self.allowHTTP) && self.allowHTTP) || ${urls}.all(url, !url.startsWith('http://') || url.matches('${own}'))`,
    message: `${fields} must be https, or http to localhost, 127.0.0.1 or [::1]: what is sent there is a secret; where that is meant, set allowHTTP: true`,
    ...(fieldPath !== undefined && { fieldPath }),
  };
}
