/** What may be shown of an answer. */
import { addKept, createMask, type Excerpt, type Mask, type Secrets } from "./mask-secrets.ts";
import type { Response, Shown } from "./outcome.ts";
import { leastSecret } from "./secret-forms.ts";

const nothing: Secrets = { kept: [], derived: [] };

/** Secrets that did not go out with a request, and that its answer may hold all the same. */
export interface Hidden {
  readonly texts: readonly string[];
  /** False: one is there that cannot be read now. What it says, and so where it stands, is not known. */
  readonly isWhole: boolean;
}

/**
 * `body`: the content as text. `secrets`: those that went out with the request, asked for each time something is shown.
 */
export function createShown(parts: ShownParts, secrets: () => Secrets = () => nothing): Shown {
  return new MaskedAnswer(parts, secrets);
}

interface ShownParts {
  readonly headers: Response["headers"];
  readonly body: string;
  readonly hidden?: Hidden | undefined;
}
/** A class, since each answer has one, of which nobody may ever ask anything. */
class MaskedAnswer implements Shown {
  readonly #parts: ShownParts;
  readonly #secrets: () => Secrets;
  #mask: Mask | undefined;
  #sent: Mask | undefined;
  constructor(parts: ShownParts, secrets: () => Secrets) {
    this.#parts = parts;
    this.#secrets = secrets;
  }
  body(): Excerpt | undefined {
    return this.mask(this.#parts.body);
  }
  mask(text: string): Excerpt | undefined {
    return this.isUncertain ? undefined : this.#masking.show(text);
  }
  field(name: string): string | undefined {
    const value = this.#parts.headers[name];
    return typeof value === "string" ? this.mask(value)?.text : undefined;
  }
  holdsSecret(text: string): boolean {
    return this.#masking.holdsSecret(text);
  }
  isOpen(text: string): boolean {
    return this.isUncertain ? text.length < leastSecret : this.#masking.isOpen(text);
  }
  get sent(): Pick<Mask, "holdsSecret" | "isOpen"> {
    return (this.#sent ??= createMask(this.#secrets));
  }
  get isUncertain(): boolean {
    return this.#parts.hidden?.isWhole === false;
  }
  get hasSecrets(): boolean {
    const { kept, derived } = this.#secrets();
    return this.isUncertain || kept.length + derived.length + (this.#parts.hidden?.texts.length ?? 0) > 0;
  }
  get #masking(): Mask {
    const { texts = [] } = this.#parts.hidden ?? {};
    return (this.#mask ??= createMask(texts.length === 0 ? this.#secrets : () => addKept(this.#secrets(), texts)));
  }
}
