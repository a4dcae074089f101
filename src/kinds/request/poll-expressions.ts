/** What a poll evaluates, apart from how it is polled: a request names these before it is sent. */
import type { Poll } from "../../api/poll.ts";
import type { Located } from "../../core/request-template.ts";
import { parseTemplate } from "../../core/templating.ts";

/** Expressions of a poll, so that one that does not compile is found before anything is sent. */
export function pollExpressions(poll: Poll | undefined, field: string): Located[] {
  if (!poll) return [];
  const url = parseTemplate(poll.url ?? "");
  const parts = url.type === "template" ? url.parts : [];
  return [
    ...parts.filter(({ type }) => type === "expression").map(({ text }) => ({ field: `${field}.url`, text })),
    ...(poll.until === undefined ? [] : [{ field: `${field}.until`, text: poll.until }]),
    ...(poll.failedIf === undefined ? [] : [{ field: `${field}.failedIf`, text: poll.failedIf }]),
  ];
}
