/** Runs the programs of one request of a Request, and so finds out what they make of an answer. */
import { asksForKept } from "./async.ts";
import { authorizes } from "./connection.ts";
import { examine, mapTexts, wholeMark, type Examined } from "./examine.ts";
import { headerTexts, type HeaderText } from "./headers.ts";
import type { Identities } from "./identity.ts";
import type { Mapped } from "./mappings.ts";
import { onOneLine } from "./programs.ts";
import type { Wrapper } from "./wrapper.ts";
import type { Translating } from "./translation.ts";

/** What is known of one program. */
export interface Seen {
  readonly program: string;
  readonly field: string;
  readonly examined: Examined;
}
interface SeenHeader extends HeaderText {
  /** Undefined: it is text. */
  readonly seen: Seen | undefined;
}
export interface ExaminedRequest {
  readonly mapped: Mapped;
  readonly url: Seen;
  readonly body: Seen | undefined;
  readonly headers: readonly SeenHeader[];
  readonly authorizes: boolean;
}

interface ExamineParts extends Translating {
  readonly root: object;
  readonly wrapper: Wrapper;
  readonly identities: Identities;
}

/** Runs a request's programs; what they need to know of the object is told to `identities`. */
export async function examineMapped(mapped: Mapped, parts: ExamineParts): Promise<ExaminedRequest> {
  const { mapping, field, action } = mapped;
  const see = async (program: string, at: string): Promise<Seen> => {
    const examined =
      action === "CREATE" ? await beforeThereIsOne(program, parts) : await examine(parts.programs, parts.root, program);
    if (action === "CREATE" && /\bresponse\b/.test(program))
      parts.findings.add("CHANGE", at, "it asks for the last answer: taken is what it yields where there is none yet");
    if (examined.type === "computed" && asksForKept(program)) {
      parts.findings.add(
        "HARD",
        at,
        "it makes something of status.externalRef, which is to be made where the id is taken: in externalID",
      );
      return { program, field: at, examined: { type: "failed", isTooMuch: false } };
    }
    return { program, field: at, examined };
  };
  const sent = mapping.headers ?? parts.object.spec.forProvider.headers;
  const url = await see(mapping.url, `${field}.url`);
  const bodyText = onOneLine(mapping.body ?? "");
  const body = bodyText === "" ? undefined : await see(bodyText, `${field}.body`);
  const headers: SeenHeader[] = [];
  const from = mapping.headers ? `${field}.headers` : "headers";
  for (const header of headerTexts(sent, from, parts.findings)) {
    const seen = (await parts.programs.compiles(header.text)) ? await see(header.text, `${from}.${header.name}`) : undefined;
    headers.push({ ...header, seen: seen && isText(seen, header, parts) ? undefined : seen });
  }
  if (action === "OBSERVE" || action === "REMOVE")
    for (const seen of [url, body, ...headers.map((header) => header.seen)]) if (seen) tellIdentities(seen, seen === body, parts);
  return { mapped, url, body, headers, authorizes: authorizes(sent) };
}

async function beforeThereIsOne(program: string, { programs, root }: ExamineParts): Promise<Examined> {
  const [answer] = await programs.run(program, root, [{ headers: null }]);
  if (answer?.type === "value") return { type: "inserted", value: answer.value, paths: [] };
  return { type: "failed", isTooMuch: answer?.isTooMuch ?? false };
}

/** Whether a header's value that happens to be a program is the text that it was, or was meant to be. */
function isText({ examined, field }: Seen, { name }: HeaderText, { findings }: ExamineParts): boolean {
  if (examined.type === "failed") return !examined.isTooMuch;
  const value = examined.type === "inserted" ? examined.value : examined.sample;
  if (typeof value === "string" || value === undefined) return false;
  findings.add(
    "FIX",
    field,
    `the value of ${name} is a jq program, which yields no text, so the request failed there; here it is sent as it is written`,
  );
  return true;
}

/** What an observation or a deletion takes of an answer is what the object is known by. */
function tellIdentities(
  { program, examined, field }: Seen,
  isBody: boolean,
  { wrapper, identities, findings }: ExamineParts,
): void {
  switch (examined.type) {
    case "failed":
      return;
    case "computed": {
      const wrapped = wrapper.wrap(program);
      // An id is there to be read, in a status.
      if (wrapped.includes("$h.inputs"))
        findings.add("HARD", field, "it makes something of the answer and of a Secret together, which an id must not hold");
      else identities.computed(wrapped);
      if (isBody && typeof examined.sample !== "string") identities.keepType();
      return;
    }
    case "inserted":
      for (const path of examined.paths) identities.path(path);
      mapTexts(examined.value, (text) => {
        if (isBody && wholeMark(text) !== undefined) identities.keepType();
        return text;
      });
  }
}
