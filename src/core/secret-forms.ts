/** How a secret looks in text that passed through a server, a URL or JSON. */

/** One character (a code point) as an encoder of text writes it. */
type Encode = (character: string) => string;

/** A shorter one would be found everywhere. */
export const leastSecret = 4;

interface Bounds {
  /** Characters of the secret that are looked at. */
  readonly most?: number;
  /** Characters of a secret that gets all its forms; a longer one gets those that are made at once. */
  readonly mostEscaped?: number;
}

/**
 * Every form, each as the pieces it is made of: nobody has to make a form whose beginning is nowhere to be found. None for a
 * secret that is shorter than `leastSecret`. No bounds where none are given.
 */
export function* formsOf(secret: string, { most = Infinity, mostEscaped = Infinity }: Bounds = {}): Generator<Iterable<string>> {
  for (const value of new Set([secret, secret.trim()])) {
    if (value.length < leastSecret) continue;
    const text = value.slice(0, most).toWellFormed();
    yield [text];
    for (const form of formsOfBytes(Buffer.from(text))) {
      yield [form];
      const written = escapesOf(form);
      for (const [plus, slash] of text.length <= mostEscaped ? written : written.slice(0, 2))
        yield encodePieces(form, (one) => (one === "+" ? plus : one === "/" ? slash : one));
    }
    yield* brokenAnew(text);
    if (isPlain.test(text)) continue;
    if (text.length <= mostEscaped) for (const encode of encoders) yield encodePieces(text, encode);
    else yield* [[component(text)], [json(text)]];
  }
}

/** Characters that no encoder of text changes: most tokens have no others. */
const isPlain = /^[A-Za-z0-9._~-]*$/;

function* encodePieces(text: string, encode: Encode): Generator<string> {
  for (const character of text) yield encode(character);
}

/** Base64 at each of the three places where it can begin in longer base64; the last is how a field of a header shows UTF-8. */
function* formsOfBytes(bytes: Buffer): Generator<string> {
  for (const alphabet of ["base64", "base64url"] as const) {
    yield bytes.toString(alphabet);
    yield bytes.toString(alphabet).slice(0, Math.ceil((bytes.length * 4) / 3)); // without padding
    if (bytes.length < leastAligned) continue;
    for (const shift of [0, 1, 2]) {
      const whole = Math.floor(((shift + bytes.length) * 4) / 3); // characters that nothing behind it has a part in
      yield Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(alphabet)
        .slice(Math.ceil((shift * 4) / 3), whole);
    }
  }
  const hex = bytes.toString("hex");
  yield hex;
  yield hex.toUpperCase();
  yield bytes.toString("latin1");
}
/**
 * What encoders make of base64's + and /, where a text stands that was in base64 before: JSON with escaped slashes, URLs, URLs in
 * URLs, JSON as .NET writes it, and numeric references. What they make of = hides nothing.
 */
const base64Escapes: readonly (readonly [string, string])[] = [
  ["%2B", "%2F"],
  ["+", "\\/"],
  ["%2b", "%2f"],
  ["%2B", "/"],
  ["%2b", "/"],
  ["%252B", "%252F"],
  ["\\u002B", "/"],
  ["\\u002b", "/"],
  ["\\u002B", "\\/"],
  ["&#43;", "/"],
  ["&#43;", "&#47;"],
  ["&#x2B;", "/"],
  ["&#x2B;", "&#x2F;"],
  ["&#x2b;", "&#x2f;"],
];
/** Those that make another text of each form that has both, or one of them. */
const escapesOfPlus = distinct(([plus]) => plus, "+");
const escapesOfSlash = distinct(([, slash]) => slash, "/");
function distinct(written: (pair: readonly [string, string]) => string, raw: string): typeof base64Escapes {
  return [...new Map(base64Escapes.map((pair) => [written(pair), pair])).values()].filter((pair) => written(pair) !== raw);
}
/** Of padding nothing is told: without it the form comes by itself. */
function escapesOf(form: string): typeof base64Escapes {
  if (form.endsWith("=")) return [];
  const hasSlash = form.includes("/");
  if (form.includes("+")) return hasSlash ? base64Escapes : escapesOfPlus;
  return hasSlash ? escapesOfSlash : [];
}

/** Of several lines, as a PEM has them: with the line breaks of other systems, and with none. */
function* brokenAnew(text: string): Generator<Iterable<string>> {
  if (!text.includes("\n")) return;
  const lines = text.split(/\r?\n/);
  yield [lines.join("\r\n")];
  yield [lines.join("\\r\\n")];
  yield [lines.join("")];
}

/** Bytes: of fewer, too little is left to look for. */
const leastAligned = 6;

/** Encoders of URLs differ in what they leave, and in the case of what they write; and a URL in another URL is encoded twice. */
const component: Encode = encodeURIComponent;
const strict: Encode = (character) => ("!'()*".includes(character) ? `%${hexOf(character).toUpperCase()}` : component(character));
const form: Encode = (character) => new URLSearchParams([["", character]]).toString().slice(1);
const keepsSlashes =
  (encode: Encode): Encode =>
  (character) =>
    character === "/" ? character : encode(character);
const inLowerCase =
  (encode: Encode): Encode =>
  (character) =>
    encode(character).startsWith("%") ? encode(character).toLowerCase() : encode(character);
const urlEncoders: readonly Encode[] = [
  ...[component, strict, form, encodeURI, keepsSlashes(component), keepsSlashes(strict)].flatMap((encode) => [
    encode,
    inLowerCase(encode),
  ]),
  (character) => component(component(character)),
  (character) => component(strict(character)),
];

/**
 * Encoders of JSON may escape slashes, what is no ASCII, and what HTML takes for its own; JSON in JSON is escaped twice. Those
 * of .NET write codes in capitals, and escape + ` and quotation marks, too:
 * https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding
 */
const json: Encode = (character) => JSON.stringify(character).slice(1, -1);
const isASCII = (character: string): boolean => character >= " " && character <= "~";
const escapes =
  (which: (character: string) => boolean, encode: Encode, code = codesOf): Encode =>
  (character) =>
    which(character) ? code(character) : encode(character);
const isNotASCII = (character: string): boolean => !isASCII(character) && character >= " ";
const ascii = escapes(isNotASCII, json);
const jsonEncoders: readonly Encode[] = [
  ...[json, ascii, escapes((one) => "<>&".includes(one), json), escapes((one) => "<>&'".includes(one), ascii)].flatMap(
    (encode): Encode[] => [encode, (character) => (character === "/" ? "\\/" : encode(character))],
  ),
  (character) => json(json(character)),
  (character) => (ascii(character).startsWith("\\u") ? codesOf(character, capitals) : ascii(character)),
  escapes(
    (one) => "\"&'+<>`".includes(one) || isNotASCII(one),
    (character) => (json(character).startsWith("\\u") ? codesOf(character, capitals) : json(character)),
    (character) => codesOf(character, capitals),
  ),
];

const markup: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const inHTML: Encode = (character) => markup[character] ?? character;
const htmlEncoders: readonly Encode[] = [
  ...["'", "&#39;", "&#x27;"].map(
    (quote): Encode =>
      (character) =>
        character === "'" ? quote : inHTML(character),
  ),
  (character) => (character === '"' ? "&#34;" : character === "'" ? "&#39;" : inHTML(character)), // Go
  (character) => (/[\w .~-]/.test(character) ? character : `&#${character.codePointAt(0) ?? 0};`),
  (character) => ("\"&'+<>".includes(character) || !isASCII(character) ? `&#${character.codePointAt(0) ?? 0};` : character),
  (character) =>
    "'+".includes(character) || !isASCII(character)
      ? `&#x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()};`
      : inHTML(character),
];

const encoders = [...urlEncoders, ...jsonEncoders, ...htmlEncoders].map(memoize);

const hexOf = (unit: string): string => unit.charCodeAt(0).toString(16);
function capitals(hex: string): string {
  return hex.toUpperCase();
}
/** Each UTF-16 unit as JSON escapes it. */
function codesOf(character: string, shape: (hex: string) => string = (hex) => hex): string {
  return character
    .split("")
    .map((unit) => `\\u${shape(hexOf(unit).padStart(4, "0"))}`)
    .join("");
}

/** What one encoder makes of the characters that most secrets are of is worked out once. */
function memoize(encode: Encode): Encode {
  const known: (string | undefined)[] = [];
  return (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? (known[code] ??= encode(character)) : encode(character);
  };
}
