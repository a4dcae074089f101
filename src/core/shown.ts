/** What may be shown of an answer. */
import { createMask, type Secrets } from "./mask-secrets.ts";
import type { Response, Shown } from "./outcome.ts";

const nothing: Secrets = { kept: [], derived: [] };

/** `body`: the content as text. `secrets`: what went out with the request, asked for each time something is shown. */
export function createShown(
  { headers, body }: { readonly headers: Response["headers"]; readonly body: string },
  secrets: () => Secrets = () => nothing,
): Shown {
  const mask = createMask(secrets);
  return {
    body: () => mask.show(body),
    field(name) {
      const value = headers[name];
      return typeof value === "string" ? mask.show(value)?.text : undefined;
    },
    holdsSecret: (text) => mask.holdsSecret(text),
    isOpen: (text) => mask.isOpen(text),
    get hasSecrets() {
      const { kept, derived } = secrets();
      return kept.length + derived.length > 0;
    },
  };
}
