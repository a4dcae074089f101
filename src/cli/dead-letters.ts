/** Which HTTPRequests are dead letters. */
import type { HTTPRequest } from "../kinds/types.ts";

/** What one has been found to be. */
export interface Letter {
  readonly request: HTTPRequest;
  readonly reason: string;
  readonly isUnknown: boolean;
}

/** Those that are over, and not as declared. */
export function deadLetters(
  requests: readonly HTTPRequest[],
  names: readonly string[],
  { reason: reasons, stalled = false }: { readonly reason?: readonly string[]; readonly stalled?: boolean },
): readonly Letter[] {
  return requests.flatMap((request): Letter[] => {
    const { attempt, conditions = [] } = request.status ?? {};
    const of = (type: string): (typeof conditions)[number] | undefined => conditions.find((one) => one.type === type);
    const isUnknown = attempt?.phase === "Unknown";
    const run = isUnknown ? of("Stalled") : attempt?.phase === "Done" ? of("Succeeded") : undefined;
    if (!run || (!isUnknown && run.status === "True") || of("Ready")?.status === "True") return [];
    if (request.spec.suspend || request.metadata.deletionTimestamp !== undefined) return [];
    if (names.length > 0 && !names.includes(request.metadata.name)) return [];
    if ((reasons && !reasons.includes(run.reason)) || (stalled && of("Stalled")?.status !== "True")) return [];
    return [{ request, reason: run.reason, isUnknown }];
  });
}
