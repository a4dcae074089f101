/**
 * Hashes in expressions, which jq has none of: the program asks for them, and is run again with the answers.
 *
 * What it asks is printed by the `stderr` that expressions do not have; a run that asked for anything counts for nothing, so that
 * no stand-in is ever seen. Invariant: questions are data, and nothing but a hash or a refusal is an answer.
 */
import { createHash, createHmac } from "node:crypto";
import { isRecord } from "../core/tools/json.ts";

/** By its question, as the program writes it. */
export type Answers = Readonly<Record<string, { readonly v: string } | { readonly e: string }>>;

const algorithms: readonly string[] = ["md5", "sha1", "sha256", "sha384", "sha512"];
const encodings = ["hex", "base64", "base64url"] as const;

/** So often a program is run at most: a hash of a hash of a hash takes four. */
export const mostRuns = 8;
/** Of one program, and characters of them together. */
const mostQuestions = 1_000;
const mostAsked = 4 * 1024 * 1024;

/** Of their bodies nothing is run where an expression is only compiled. */
export const declaredOnly = "def digest($a; $e): .; def hmac($a; $k; $e): .; def sha256: .; def base64url: .; ";
/** The input is `[ANSWERS, DOCUMENT]`; what comes after sees the document, and nothing of how it is asked. */
export const definitions = `.[0] as $holdfast_answers | .[1] |
def holdfast_ask: . as $q | ($q + "\\n" | stderr) | {v: ""};
def holdfast_hash($a; $k; $e): (if type == "string" then . else tojson end) as $x | ([$a, $k, $e, $x] | tojson) as $q |
($holdfast_answers[$q] // ($q | holdfast_ask)) | if .e then error(.e) else .v end;
def digest($a; $e): holdfast_hash($a; null; $e); def hmac($a; $k; $e): if $k == null then error("hmac: the key is null") else holdfast_hash($a; $k; $e) end;
def sha256: digest("sha256"; "hex");
def base64url: @base64 | split("+") | join("-") | split("/") | join("_") | split("=") | join("");
def holdfast_ask: error("not available in an expression"); def holdfast_hash($a; $k; $e): holdfast_ask;
`;

/** Whether one of them may be called. */
export function usesHashes(expression: string): boolean {
  return /digest|hmac|sha256|base64url/.test(expression);
}

/** `stderr`: what a run printed. Those that are new, with their answers; a text: it asks for too much. */
export function answersTo(stderr: string, known: Answers): Answers | string {
  const asked = stderr.split("\n").filter(isQuestion);
  const all: Record<string, Answers[string]> = { ...known };
  for (const question of asked) if (!Object.hasOwn(all, question)) all[question] = answerTo(question);
  const questions = Object.keys(all);
  if (questions.length > mostQuestions) return `more than ${mostQuestions} hashes are asked for`;
  if (questions.reduce((sum, { length }) => sum + length, 0) > mostAsked)
    return `hashes of more than ${mostAsked} characters are asked for`;
  return all;
}

/** What else jq may print is none. */
function isQuestion(line: string): boolean {
  if (!line.startsWith("[")) return false;
  try {
    const question: unknown = JSON.parse(line);
    return Array.isArray(question) && question.length === 4;
  } catch {
    return false;
  }
}

function answerTo(question: string): Answers[string] {
  const [algorithm, key, encoding, text] = JSON.parse(question) as readonly unknown[];
  const name = algorithms.find((one) => one === algorithm);
  if (name === undefined) return { e: `the algorithm must be one of ${algorithms.join(", ")}` };
  const form = encodings.find((one) => one === encoding);
  if (form === undefined) return { e: `the encoding must be one of ${encodings.join(", ")}` };
  if (key === null) return { v: createHash(name).update(String(text)).digest(form) };
  const bytes = keyBytes(key);
  if (!bytes) return { e: 'the key must be a text, or {"base64": a text}' };
  return { v: createHmac(name, bytes).update(String(text)).digest(form) };
}

function keyBytes(key: unknown): Buffer | undefined {
  if (typeof key === "string") return Buffer.from(key);
  return isRecord(key) && typeof key["base64"] === "string" ? Buffer.from(key["base64"], "base64") : undefined;
}
