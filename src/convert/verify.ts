/** Holds what a live object becomes against its status: whether it looks at the same remote object, and whether that is as declared. */
import { differences } from "../core/difference.ts";
import { isRecord } from "../core/tools/json.ts";
import { parseTemplate, wholeExpression } from "../core/templating.ts";
import { idText } from "./id-text.ts";
import { mappingOf } from "./mappings.ts";
import type { PeerRequest } from "./peer-object.ts";
import type { PeerAnswer } from "./peer-schema.ts";
import { placeholdersIn, withoutPlaceholders } from "./placeholders.ts";
import { onOneLine } from "./programs.ts";
import { jsonObject, programRoot } from "./root.ts";
import type { Translating } from "./translation.ts";

type Spec = Readonly<Record<string, unknown>>;

/** `unknown`: it asked nothing there, by that answer. */
export type Look = "same" | "other" | "unknown";

/** Whether it is observed where it was. `id`: what it is known by, taken of `answer`. */
export async function looksWhereItDid(
  object: PeerRequest,
  spec: Spec,
  known: { readonly id: string; readonly answer: PeerAnswer },
  { programs }: Pick<Translating, "programs">,
): Promise<Look> {
  const program = mappingOf(object, "OBSERVE")?.url ?? "";
  const [there] = await programs.run(program, programRoot(object.spec.forProvider), [answerThere(known.answer)]);
  if (there?.type !== "value" || typeof there.value !== "string") return "unknown";
  const here = await urlHere(spec, known.id, programs);
  return here !== undefined && isSameURL(withoutPlaceholders(there.value, secretMark), here) ? "same" : "other";
}

/** Stands for whatever a Secret holds; nothing of it is encoded. */
const secretMark = "SECRET";

/** The URL that is observed, as sending writes it; undefined where nothing would be sent. */
async function urlHere(spec: Spec, id: string, programs: Translating["programs"]): Promise<string | undefined> {
  const { observe, inputs, parameters = null } = spec;
  const text = isRecord(observe) ? String(observe["url"]) : "";
  const template = parseTemplate(text);
  if (template.type === "invalid") return undefined;
  const names = isRecord(inputs) ? Object.keys(inputs) : [];
  const root = { externalID: id, parameters, inputs: Object.fromEntries(names.map((name) => [name, secretMark])) };
  const isWhole = wholeExpression(template.parts) !== undefined;
  let url = "";
  for (const part of template.parts) {
    if (part.type === "text") {
      url += part.text;
      continue;
    }
    const [answer] = await programs.run(part.text, root, [null]);
    const value = answer?.type === "value" ? idText(answer.value) : undefined;
    if (value === undefined) return undefined;
    const isStart = url === ""; // whoever gives the beginning gives a link
    url += isWhole || isStart ? value : encodeURIComponent(value.toWellFormed());
  }
  return url;
}

/** However each of its segments is encoded; a query as it stands. */
function isSameURL(there: string, here: string): boolean {
  const [a, b] = [there, here].map((text) => URL.parse(text));
  if (!a || !b) return there === here;
  const segments = ({ pathname }: URL): string => JSON.stringify(pathname.split("/").map(decoded));
  // What follows a # was not sent there, and is refused here.
  return a.origin === b.origin && segments(a) === segments(b) && a.search === b.search && a.hash === "";
}
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** As programs saw it there. */
function answerThere({ statusCode, headers = {}, body = "" }: PeerAnswer): object {
  return { statusCode, headers, body: jsonObject(body) ?? body };
}

/** Whether the last look found something that an update would have changed: what is compared by a program is not known. */
export async function isBehind(
  object: PeerRequest,
  answer: PeerAnswer,
  { programs }: Pick<Translating, "programs">,
): Promise<boolean> {
  const { forProvider } = object.spec;
  const body = onOneLine(mappingOf(object, "UPDATE")?.body ?? "");
  const found = jsonObject(answer.body ?? "");
  if (forProvider.expectedResponseCheck?.type === "CUSTOM" || body === "" || !found) return false;
  const [wanted] = await programs.run(body, programRoot(forProvider), [answerThere(answer)]);
  if (wanted?.type !== "value" || !isRecord(wanted.value) || placeholdersIn(JSON.stringify(wanted.value)).length > 0)
    return false;
  return differences(wanted.value, found, wanted.value, { limit: 1 }).length > 0;
}
