/** What the fork for long operations adds. It is not translated yet: each is told, and nothing of it is guessed. */
import type { Findings } from "./findings.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";

/** What comes nearest here. */
const here: Readonly<Record<string, string>> = {
  polling: "poll of create, update, delete, or of an HTTPRequest: url, until, failedIf",
  externalRef: "externalID",
  resourceExistsCheck: "observe.object",
  isTerminalError: "retry.never",
};

export function tellAsync({ async, spec }: PeerRequest | PeerDisposable, findings: Findings): void {
  const { forProvider } = spec;
  const mappings = "mappings" in forProvider ? forProvider.mappings : [];
  const fields = [
    ...Object.keys(forProvider).filter((name) => Object.hasOwn(here, name)),
    ...mappings.flatMap(({ polling }, index) => (polling ? [`mappings[${index}].polling`] : [])),
  ];
  for (const field of fields) {
    const name = field.split(".").at(-1) ?? "";
    if (async) findings.add("HARD", field, `it is the fork's, and is not translated; here it is ${here[name] ?? ""}`);
    else findings.add("DROP", field, "this version of the kind has no such field: it had no effect there");
  }
}
