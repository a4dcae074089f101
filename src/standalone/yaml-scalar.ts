/**
 * What an unquoted YAML scalar means to kubectl: YAML 1.1 as sigs.k8s.io/yaml reads it.
 *
 * `on`, `yes` and `NO` are booleans, `0777` is octal, dates and `1:30` stay strings, and integers stay exact. Rules and
 * their order are those of go.yaml.in/yaml/v2, resolve.go.
 */
import { parseJSON } from "../core/tools/json.ts";

/** The value; NaN and the infinities, which JSON does not have, among them. */
export function resolveScalar(text: string): unknown {
  if (Object.hasOwn(words, text)) return words[text];
  // A dot begins a float without underscores; all else that is a number begins with a digit or a sign.
  if (text.startsWith(".")) return floatOf(text) ?? text;
  if (!/^[-+0-9]/.test(text)) return text;
  const plain = text.replaceAll("_", "");
  return integerOf(plain) ?? floatOf(plain) ?? text;
}

const words: Readonly<Record<string, unknown>> = Object.fromEntries(
  (
    [
      [true, "y Y yes Yes YES true True TRUE on On ON"],
      [false, "n N no No NO false False FALSE off Off OFF"],
      [null, " ~ null Null NULL"],
      [Number.NaN, ".nan .NaN .NAN"],
      [Infinity, ".inf .Inf .INF +.inf +.Inf +.INF"],
      [-Infinity, "-.inf -.Inf -.INF"],
    ] as const
  ).flatMap(([value, names]) => names.split(" ").map((name) => [name, value])),
);

/** A number, or `JSON.rawJSON` where a double cannot hold it. Digits after a leading zero are octal. */
function integerOf(text: string): unknown {
  if (/^[-+]?(0|[1-9]\d*)$/.test(text)) return parseJSON(text.replace("+", "").replace(/^-0$/, "0"));
  const [, sign, prefix = "", digits = ""] = /^([-+]?)0([box]?)([0-9a-f]{1,64})$/i.exec(text) ?? [];
  const base = prefix.toLowerCase() || "o";
  if (sign === undefined || !digitsOf[base]?.test(digits)) return undefined;
  const size = BigInt(`0${base}${digits}`);
  // Beyond 64 bits Go reads no integer, and the text stays text.
  if (size > 2n ** 64n - 1n) return undefined;
  return parseJSON(`${sign === "-" && size > 0n ? "-" : ""}${size}`);
}
const digitsOf: Readonly<Record<string, RegExp>> = { b: /^[01]+$/, o: /^[0-7]+$/, x: /^[0-9a-f]+$/i };

function floatOf(text: string): number | undefined {
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
