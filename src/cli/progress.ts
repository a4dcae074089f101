/** What `run` shows while it works: a live table where a terminal has room for it, else one line for each change; and the summary. */
import { keyText } from "../core/resource.ts";
import { tableLines } from "./table.ts";
import { deletionTries, isSettled, type HTTPRequest, type HTTPResource } from "../kinds/types.ts";

export type Shown = HTTPRequest | HTTPResource;

export interface Progress {
  update(request: Shown): void;
  remove(request: Shown): void;
  /** Has something else written to the same terminal, above the table. */
  readonly writeAbove: (write: () => void) => void;
  /** Whether every request has come to its end, well or not. */
  isSettled(): boolean;
  /** Requests that did not end as declared. */
  failed(): number;
  readonly size: number;
}

/** What is asked of the stream: how large its terminal is now, where it is one. */
export type ProgressOutput = Pick<NodeJS.WriteStream, "isTTY" | "rows" | "columns"> & { write(text: string): unknown };

export function createProgress(out: ProgressOutput): Progress {
  const requests = new Map<string, Shown>();
  /** Of each, how often its deletion had been tried when it came to be known: each run is to try it once at least. */
  const triesBefore = new Map<string, number>();
  /** Lines of the table above the cursor. */
  let drawn = 0;

  /** Draws the table over what was drawn before; false where it has no room. Lines that have left the screen are not reached any more. */
  function draw(): boolean {
    const hasRoom = out.isTTY && headingLines + requests.size < out.rows;
    if (hasRoom) {
      const lines = table([...requests.values()], out.columns);
      out.write(`${clearing()}${lines.join("\n")}\n`);
      drawn = lines.length;
    } else drawn = 0;
    return hasRoom;
  }
  /** Up to where the table begins, and clear to the end of the screen. */
  function clearing(): string {
    return drawn > 0 ? `\u001B[${drawn}A\u001B[J` : "";
  }
  return {
    update(request) {
      const key = keyOf(request);
      const before = requests.get(key);
      requests.set(key, request);
      const tries = deletionTries(request);
      triesBefore.set(key, Math.min(triesBefore.get(key) ?? tries, tries));
      if (draw()) return;
      const [old, line] = [before && lineOf(before), lineOf(request)];
      const isNews = line !== old || (before !== undefined && isUpdatedAgain(before, request));
      if (request.status?.conditions && isNews) out.write(`${line}\n`);
    },
    remove(request) {
      requests.delete(keyOf(request));
      triesBefore.delete(keyOf(request));
      if (!draw()) out.write(`${keyText(request.metadata)}  gone\n`);
    },
    writeAbove(write) {
      const wasDrawn = drawn > 0;
      if (wasDrawn) out.write(clearing());
      drawn = 0;
      write();
      if (wasDrawn) draw();
    },
    isSettled: () => requests.entries().every(([key, request]) => isSettled(request, triesBefore.get(key))),
    failed: () =>
      [...requests.values()].filter((request) => !request.spec.suspend && condition(request)?.status !== "True").length,
    get size() {
      return requests.size;
    },
  };
}

const headingLines = 1;

/** Both kinds can have an object of the same name. */
function keyOf({ spec, metadata }: Shown): string {
  return `${"method" in spec ? "HTTPRequest" : "HTTPResource"}/${keyText(metadata)}`;
}

function condition({ status }: Shown, wanted = "Ready"): { status: string; reason: string; message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === wanted);
}
/** What Ready says, which difference an update has corrected, and what is most likely not meant so. */
function messageOf(request: Shown): string {
  const [ready, drifted, suspicious] = ["Ready", "Drifted", "Suspicious"].map((type) => condition(request, type));
  const isCorrected = ready?.reason === "Updated" && drifted?.reason === "Corrected";
  return [ready?.message, isCorrected && drifted.message, suspicious && `suspicious: ${suspicious.message}`]
    .filter(Boolean)
    .join("; ");
}
/** By an update that says the same as the one before it. */
function isUpdatedAgain(before: Shown, now: Shown): boolean {
  const [earlier, later] = [before.status?.attempt, now.status?.attempt];
  return condition(now)?.reason === "Updated" && later?.phase === "Done" && earlier?.id !== later.id;
}

function row(request: Shown): string[] {
  const { status, reason } = condition(request) ?? { status: "-", reason: "Waiting" };
  const method = "method" in request.spec ? request.spec.method : request.spec.observe ? "observe" : "create";
  return [
    keyText(request.metadata),
    method,
    status === "True" ? "ready" : status === "-" ? "-" : "not ready",
    reason,
    messageOf(request),
  ];
}

function lineOf(request: Shown): string {
  return tableLines([row(request)], "  ").join("");
}

function table(requests: readonly Shown[], columns: number): string[] {
  const rows = [["REQUEST", "METHOD", "STATE", "REASON", "MESSAGE"], ...requests.map(row)];
  return tableLines(rows, "  ").map((line) => line.slice(0, columns));
}

interface Summary {
  readonly resources: number;
  readonly failed: number;
  readonly requests: number;
  readonly sockets: number;
  readonly clients: number;
  readonly durationMs: number;
}
export function summaryText({ resources, failed, requests, sockets, clients, durationMs }: Summary): string {
  const ended = failed === 0 ? `all ${resources} ended as declared` : `${failed} of ${resources} did not end as declared`;
  return [
    "",
    `requests declared   ${resources} (${ended})`,
    `requests sent       ${requests}`,
    `sockets opened      ${sockets}`,
    `clients in the Map  ${clients}`,
    `time                ${(durationMs / 1000).toFixed(2)} s`,
    "",
  ].join("\n");
}
