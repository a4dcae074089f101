/**
 * Every secret's value that this process has read, so that no line of its log can hold one, whoever wrote that line.
 *
 * Invariant: it is bounded, and forgets what has not been read for longest first. It is the second line: plans, statuses
 * and messages hold no values to begin with.
 */
import { formsOf } from "../core/mask-secrets.ts";

export interface SecretRegistry {
  readonly add: (secret: string) => void;
  /** The text with three asterisks for each value that is known, in any of the forms of `formsOf`. */
  readonly scrub: (text: string) => string;
}

/** A shorter one is a word of everybody's; a longer one would not be in a line as a whole. */
const characters = { least: 8, most: 16_384 };
/** Of a form, by which it is found: a line is looked through once, however many secrets there are. */
const prefixLength = 4;

/** `maxCharacters`: of all forms of all values together; 4 Mi where not given. */
export function createSecretRegistry(limits: { readonly maxCharacters?: number } = {}): SecretRegistry {
  const { maxCharacters = 4 << 20 } = limits;
  const forms = new Map<string, readonly string[]>();
  /** By prefix the forms, and how many values have each. */
  const byPrefix = new Map<string, Map<string, number>>();
  const prefixes = new Uint32Array(1 << 16); // how many forms begin like this; what is 0 needs no look at the text
  let size = 0;

  function insert(form: string): void {
    const prefix = form.slice(0, prefixLength);
    const known = byPrefix.get(prefix) ?? new Map<string, number>();
    const count = known.get(form) ?? 0;
    byPrefix.set(prefix, known.set(form, count + 1));
    if (count > 0) return;
    prefixes[slotOf(form, 0)]! += 1;
    size += form.length;
  }
  function remove(form: string): void {
    const prefix = form.slice(0, prefixLength);
    const known = byPrefix.get(prefix);
    const count = known?.get(form);
    if (!known || count === undefined) return;
    if (count > 1) return void known.set(form, count - 1);
    known.delete(form);
    if (known.size === 0) byPrefix.delete(prefix);
    prefixes[slotOf(form, 0)]! -= 1;
    size -= form.length;
  }
  function longestAt(text: string, at: number): string | undefined {
    if (prefixes[slotOf(text, at)] === 0) return undefined;
    const matching = [...(byPrefix.get(text.slice(at, at + prefixLength))?.keys() ?? [])].filter((form) =>
      text.startsWith(form, at),
    );
    return matching.reduce<string | undefined>((best, form) => (form.length > (best?.length ?? 0) ? form : best), undefined);
  }

  return {
    add(secret) {
      if (secret.length < characters.least || secret.length > characters.most) return;
      const known = forms.get(secret);
      forms.delete(secret);
      forms.set(secret, known ?? formsOf(secret));
      if (known) return;
      for (const form of forms.get(secret) ?? []) insert(form);
      while (size > maxCharacters) {
        const [oldest, itsForms] = forms.entries().next().value ?? ["", []];
        forms.delete(oldest);
        for (const form of itsForms) remove(form);
      }
    },
    scrub(text) {
      if (size === 0) return text;
      let [scrubbed, from] = ["", 0];
      for (let at = 0; at <= text.length - prefixLength; at += 1) {
        const form = longestAt(text, at);
        if (form === undefined) continue;
        scrubbed += `${text.slice(from, at)}***`;
        from = at + form.length;
        at = from - 1;
      }
      return from === 0 ? text : scrubbed + text.slice(from);
    },
  };
}

function slotOf(text: string, at: number): number {
  let slot = 0;
  for (let index = at; index < at + prefixLength; index += 1) slot = (slot * 31 + text.charCodeAt(index)) & 0xffff;
  return slot;
}
