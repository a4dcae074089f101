/** `status.requestDetails`: what was sent last, with placeholders where Secrets were, by the peer's own programs. */
import { createFindings } from "../convert/findings.ts";
import { mappedActions, type Action } from "../convert/mappings.ts";
import type { PeerAnswer, PeerStatus } from "../convert/peer-schema.ts";
import { createPrograms, onOneLine, type Programs } from "../convert/programs.ts";
import { jsonObject, programRoot } from "../convert/root.ts";
import type { TranslateOptions } from "../convert/translation.ts";
import type { ServedObject } from "./served-object.ts";

type Details = NonNullable<PeerStatus["requestDetails"]>;

/** Characters of one text: a status has room for so much. */
const longestShown = 16_384;

/** `answer`: the one that the programs saw. Undefined: nothing can be told. */
export async function detailsOf(
  { peer }: ServedObject,
  action: Action,
  answer: PeerAnswer | undefined,
  { evaluator, signal }: Pick<TranslateOptions, "evaluator" | "signal">,
): Promise<Details | undefined> {
  const { forProvider } = peer.spec;
  if (!("mappings" in forProvider)) {
    const { url, method, body = "", headers } = forProvider;
    return { method, url, ...(body !== "" && { body: cut(body) }), ...(headers && { headers }) };
  }
  if (peer.type !== "request") return undefined;
  const mapped = mappedActions(peer, createFindings()).find((one) => one.action === action);
  if (!mapped) return undefined;
  const { mapping, method } = mapped;
  const programs = createPrograms(evaluator, signal, peer.metadata.namespace);
  const root = programRoot(forProvider);
  const seen = answer && { ...answer, body: jsonObject(answer.body ?? "") ?? answer.body ?? "" };
  const yielded = (program: string): Promise<unknown> => yieldOf(programs, program, root, seen);
  const url = await yielded(mapping.url);
  if (typeof url !== "string") return undefined;
  const body = mapping.body === undefined || mapping.body === "" ? undefined : await yielded(onOneLine(mapping.body));
  const headers = mapping.headers ?? forProvider.headers;
  return {
    method: mapping.method === undefined || mapping.method === "" ? method : mapping.method,
    url: cut(url),
    ...(body !== undefined && { body: cut(typeof body === "string" ? body : JSON.stringify(body)) }),
    ...(headers && { headers: await headersOf(headers, yielded) }),
  };
}

async function yieldOf(programs: Programs, program: string, root: object, response: unknown): Promise<unknown> {
  const [answer] = await programs.run(program, root, [response ?? {}]);
  return answer?.type === "value" ? answer.value : undefined;
}

/** A value that is no program is text. */
async function headersOf(
  headers: Readonly<Record<string, readonly string[]>>,
  yielded: (program: string) => Promise<unknown>,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const made: [string, readonly string[]][] = [];
  for (const [name, values] of Object.entries(headers)) {
    const texts: string[] = [];
    for (const text of values) {
      const value = /[.(]/.test(text) ? await yielded(text) : text;
      texts.push(cut(typeof value === "string" ? value : text));
    }
    made.push([name, texts]);
  }
  return Object.fromEntries(made);
}

function cut(text: string): string {
  return text.length > longestShown ? text.slice(0, longestShown) : text;
}
