/**
 * The part of an answer by which the peer would know a remote object again, made of the id that is known here: for a status
 * whose answer is not kept, or not whole.
 */
import { pathProgram, pathsIn, put, type AnswerPath } from "../convert/examine.ts";
import type { PeerAnswer } from "../convert/peer-schema.ts";
import type { Resource } from "../core/resource.ts";
import { parseJSON } from "../core/tools/json.ts";
import { headersThere } from "./go-headers.ts";

/** Undefined: no id is known, or it cannot be told where in an answer it stood. */
export function identityAnswer({ spec, status }: Resource): Pick<PeerAnswer, "body" | "headers"> | undefined {
  const { externalID: program } = (spec ?? {}) as { readonly externalID?: string };
  const { externalID: id } = (status ?? {}) as { readonly externalID?: string };
  if (program === undefined || id === undefined) return undefined;
  const paths = pathsIn(program);
  const [only] = paths;
  if (only && pathProgram(only) === program) return answerWith([[only, id]]);
  if (!program.startsWith(`[${paths.map((path) => pathProgram(path)).join(", ")}] | tojson`)) return undefined;
  const values = listOf(id);
  return values && answerWith(paths.map((path, index) => [path, values[index]]));
}

function listOf(text: string): readonly unknown[] | undefined {
  try {
    const value = parseJSON(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function answerWith(parts: readonly (readonly [AnswerPath, unknown])[]): Pick<PeerAnswer, "body" | "headers"> {
  const made: { body?: object; headers?: Readonly<Record<string, string>> } = {};
  for (const [path, value] of parts) put(made, path, value);
  const { body, headers } = made;
  return { ...(body && { body: JSON.stringify(body) }), ...(headers && { headers: headersThere(headers) }) };
}
