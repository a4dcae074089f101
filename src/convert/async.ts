/**
 * What the fork for long operations adds: an id that is kept apart, and work that is polled.
 * https://github.com/Antrakos/provider-http-async
 */
import type { Findings } from "./findings.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import { onOneLine, type Programs } from "./programs.ts";
import type { PeerMapping, PeerPolling } from "./peer-schema.ts";
import { durationHere } from "./root.ts";
import { pathProgram, type AnswerPath } from "./examine.ts";
import type { Wrapper } from "./wrapper.ts";

type Fields = Readonly<Record<string, unknown>>;

/** In place of `.status.externalRef`: a part of the answer that no answer has, which is inserted as others are. */
const keptPath: AnswerPath = ["body", "kept by the fork"];
const keptText = '.response.body["kept by the fork"]';
export const keptProgram = pathProgram(keptPath);
export function asksForKept(program: string): boolean {
  return program.includes(keptText);
}

/** The mapping, in which the id that the fork keeps is a part of the answer. */
export function withKept(mapping: PeerMapping): PeerMapping {
  const change = (text: string): string => text.replaceAll(".status.externalRef", keptText);
  const { url, body, headers } = mapping;
  return {
    ...mapping,
    url: change(url),
    ...(body !== undefined && { body: change(body) }),
    ...(headers && { headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.map(change)])) }),
  };
}

/** A check sees the id itself. */
export function logicWithKept(logic: string): string {
  return logic.replaceAll(".status.externalRef", "$h.externalID");
}

/** The last poll's answer is what expressions see as the answer here. */
function overPoll(program: string, field: string, findings: Findings): string {
  const text = program.replaceAll(".poll.response", ".response");
  if (text !== program && /(?<![\w\]"])\.response\b/.test(program))
    findings.add("HARD", field, "it asks for the poll's answer and for the one before: there is one at a time here");
  return text;
}

/** Jq for `externalID`. */
export function keptBy(externalRef: string, wrapper: Wrapper, findings: Findings): string {
  return `(try (${wrapper.wrap(overPoll(externalRef, "externalRef", findings))}) catch null)`;
}

/** `poll` of a request; `expected`: what the last answer has to be, too. */
export function pollOf(
  polling: PeerPolling,
  field: string,
  { wrapper, findings, expected }: { readonly wrapper: Wrapper; readonly findings: Findings; readonly expected?: string },
): Fields {
  const { url, done, error, interval = "5s", timeout = "30m" } = polling;
  const until = done === undefined ? undefined : wrapper.wrap(overPoll(done, `${field}.done`, findings));
  const failures = [
    ...(error === undefined || error === ""
      ? []
      : [
          `(.response.statusCode < 300 and ((${wrapper.wrap(overPoll(error, `${field}.error`, findings))}) | . != null and . != false))`,
        ]),
    ...(expected === undefined ? [] : [`((${until ?? "true"}) and ((${expected}) | not))`]),
  ];
  const duration = (text: string, name: string): string =>
    durationHere(text) ?? (findings.add("HARD", `${field}.${name}`, "it is no duration that can be written here"), "5s");
  if (failures.length > 0)
    findings.add(
      "CHANGE",
      field,
      "work that failed is tried again at the interval, as retry says; there it was over until the spec changed",
    );
  return {
    url: `\${ ${wrapper.wrap(url)} }`,
    ...(until !== undefined && { until }),
    ...(failures.length > 0 && { failedIf: failures.join(" or ") }),
    interval: duration(interval, "interval"),
    timeout: duration(timeout, "timeout"),
  };
}

/** Statuses that end it for good, as `retry.never` has them; undefined: it asks for more than a status, which was told. */
export async function finalStatuses(
  { async, spec: { forProvider } }: PeerRequest | PeerDisposable,
  { programs, findings }: { readonly programs: Programs; readonly findings: Findings },
): Promise<readonly string[] | undefined> {
  const { isTerminalError = "" } = forProvider;
  const program = onOneLine(isTerminalError);
  if (!async || program === "") return undefined;
  const field = "isTerminalError";
  const asksStatus = !/\.(body|headers|poll|status|payload)\b|\bresponse\b(?!\.statusCode)/.test(program);
  const statuses = Array.from({ length: 500 }, (_, index) => 100 + index);
  const answers = asksStatus
    ? await programs.run(
        program,
        {},
        statuses.map((statusCode) => ({ statusCode, body: {} })),
      )
    : [];
  const ends = statuses.filter((_, index) => answers[index]?.type === "value" && answers[index].value === true);
  const ranges = rangesOf(ends);
  if (!asksStatus || answers.some(({ type }) => type === "failed") || ranges.length > mostRanges) {
    findings.add("HARD", field, "which failures are final is said by retry.never, by their statuses alone");
    return undefined;
  }
  findings.add(
    "CHANGE",
    field,
    "such a failure is not tried again until its next turn; there it was over until the spec changed",
  );
  return ranges;
}
const mostRanges = 32;
/** Ascending numbers as `404`, `5xx` and `400-403`. */
function rangesOf(statuses: readonly number[]): readonly string[] {
  const starts = statuses.filter((status) => !statuses.includes(status - 1));
  return starts.map((start) => {
    let end = start;
    while (statuses.includes(end + 1)) end += 1;
    if (start === end) return `${start}`;
    return start % 100 === 0 && end === start + 99 ? `${start / 100}xx` : `${start}-${end}`;
  });
}

/** What of the fork has no counterpart; of an object that is not the fork's it had no effect. */
export function tellAsync({ async, spec, status, unknown }: PeerRequest | PeerDisposable, findings: Findings): void {
  const { forProvider } = spec;
  const had = "this version of the kind has no such field: it had no effect there";
  for (const field of unknown)
    if (async)
      findings.add("HARD", field, "it is the fork's, and has no counterpart here: credentials are auth of an HTTPEndpoint");
    else findings.add("DROP", field, had);
  const own: readonly string[] = ["polling", "externalRef", "resourceExistsCheck", "isTerminalError"];
  const mappings = "mappings" in forProvider ? forProvider.mappings : [];
  if (!async) {
    for (const name of own) if (Object.hasOwn(forProvider, name)) findings.add("DROP", name, had);
    for (const [index, { polling }] of mappings.entries()) if (polling) findings.add("DROP", `mappings[${index}].polling`, had);
    return;
  }
  if (
    status?.polling !== undefined &&
    typeof status.polling === "object" &&
    status.polling !== null &&
    "response" in status.polling
  )
    findings.add("HARD", "status.polling", "its work is under way: translate it when that has ended");
}
