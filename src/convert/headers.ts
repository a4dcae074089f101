/** Header fields: those of a Request are jq there, where they are any; those of a DisposableRequest are text. */
import type { Findings } from "./findings.ts";

type Headers = Readonly<Record<string, readonly string[]>>;
/** One value of a header field. */
export interface HeaderText {
  readonly name: string;
  readonly text: string;
}

/** Go's client takes these from elsewhere, whatever the map says. */
const ignoredThere: readonly string[] = ["host", "content-length", "transfer-encoding", "trailer"];
const refusedHere: readonly string[] = [
  ...ignoredThere,
  "connection",
  "keep-alive",
  "upgrade",
  "te",
  "expect",
  "proxy-connection",
  "proxy-authorization",
];

/** As many as a request may declare. */
const mostHeaders = 64;

/** Those that can be sent, in the order in which they are written. */
export function headerTexts(headers: Headers | undefined, field: string, findings: Findings): readonly HeaderText[] {
  const all = Object.entries(headers ?? {});
  if (all.reduce((count, [, values]) => count + values.length, 0) > mostHeaders) {
    findings.add("HARD", field, `there are more than ${mostHeaders} header fields`);
    return [];
  }
  return all.flatMap(([name, values]) => {
    const small = name.toLowerCase();
    if (!refusedHere.includes(small)) return values.map((text) => ({ name, text }));
    else if (ignoredThere.includes(small))
      findings.add("DROP", `${field}.${name}`, "the client sets it by itself; it was ignored there, too");
    else findings.add("CHANGE", `${field}.${name}`, "it speaks of the connection, and is not sent here");
    return [];
  });
}

export function names(headers: Headers | undefined, name: string): boolean {
  return Object.keys(headers ?? {}).some((one) => one.toLowerCase() === name);
}
