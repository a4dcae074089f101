/** What may be shown of an answer. */
import { addKept, createMask, type Excerpt, type Mask, type Secrets } from "./mask-secrets.ts";
import type { Response, Shown } from "./outcome.ts";

const nothing: Secrets = { kept: [], derived: [] };

/**
 * `body`: the content as text. `hidden`: secrets that did not go out with the request, and are not shown either. `secrets`: those
 * that did, asked for each time something is shown.
 */
export function createShown(parts: ShownParts, secrets: () => Secrets = () => nothing): Shown {
  return new MaskedAnswer(parts, secrets);
}

interface ShownParts {
  readonly headers: Response["headers"];
  readonly body: string;
  readonly hidden?: readonly string[] | undefined;
}
/** A class, since each answer has one, of which nobody may ever ask anything. */
class MaskedAnswer implements Shown {
  readonly #parts: ShownParts;
  readonly #secrets: () => Secrets;
  #mask: Mask | undefined;
  #showing: Mask | undefined;
  constructor(parts: ShownParts, secrets: () => Secrets) {
    this.#parts = parts;
    this.#secrets = secrets;
  }
  body(): Excerpt | undefined {
    return this.#shows.show(this.#parts.body);
  }
  mask(text: string): Excerpt | undefined {
    return this.#shows.show(text);
  }
  field(name: string): string | undefined {
    const value = this.#parts.headers[name];
    return typeof value === "string" ? this.#shows.show(value)?.text : undefined;
  }
  holdsSecret(text: string): boolean {
    return this.#masking.holdsSecret(text);
  }
  isOpen(text: string): boolean {
    return this.#masking.isOpen(text);
  }
  get hasSecrets(): boolean {
    const { kept, derived } = this.#secrets();
    return kept.length + derived.length + (this.#parts.hidden?.length ?? 0) > 0;
  }
  get #masking(): Mask {
    return (this.#mask ??= createMask(this.#secrets));
  }
  /** Of what people read. What programs go by, such as an id, is as what was sent with it lets it be. */
  get #shows(): Mask {
    const { hidden = [] } = this.#parts;
    return hidden.length === 0 ? this.#masking : (this.#showing ??= createMask(() => addKept(this.#secrets(), hidden)));
  }
}
