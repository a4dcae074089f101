/**
 * POSTs at intervals at which servers as people run them close idle connections: how many are lost that their server has not seen,
 * by the rule that there is, and where every idle connection is used as long as it is open.
 *
 * Usage: node bench/idle/main.ts [ROUNDS]     (20: 1,000 POSTs for each server, limit and rule; two minutes for each rule)
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exchange } from "../../src/core/exchange.ts";
import { exchange, never, reader, testRequester, type TestRequester } from "../../test/support/loopback-requester.ts";
import { apache, gunicorn, haproxy, nginx, type IdleServer, type StartServer } from "./servers.ts";

const rounds = Number(process.argv[2] ?? 20);
/** As many send side by side, each over connections of its own. */
const senders = 50;
/** They differ by how much before or after the server's limit they send again, milliseconds. */
const spreadMs = 50;
const limitsSecs = [1, 2, 3, 4, 5];
const servers: Readonly<Record<string, StartServer>> = { gunicorn, HAProxy: haproxy, nginx, Apache: apache };
const rules: Readonly<Record<string, Pick<Exchange, "freshAfterMs">>> = {
  "as it is": {},
  "any idle connection": { freshAfterMs: 600_000 },
};

interface Seen {
  readonly posts: number;
  readonly lost: number;
  readonly unseen: number;
  readonly twice: number;
  readonly connections: number;
}

async function post(http: TestRequester, namespace: string, declared: Exchange): Promise<boolean> {
  const metadata = { ...declared.scope.metadata, namespace };
  using requests = http.requester.begin(`HTTPRequest/${namespace}/post`);
  const prepared = await requests.prepare({ ...declared, scope: { ...declared.scope, metadata } }, reader({}), never);
  return prepared.type === "prepared" && (await prepared.send(never)).type === "response";
}

async function measure(server: IdleServer, limitSecs: number, rule: Pick<Exchange, "freshAfterMs">): Promise<Seen> {
  await using http = testRequester({ clientIsolation: "namespace", maxClients: senders });
  const lost: string[] = [];
  const before = server.processed().length;
  await Promise.all(
    Array.from({ length: senders }, async (_, sender) => {
      const intervalMs = limitSecs * 1_000 - spreadMs + (2 * spreadMs * sender) / senders;
      await sleep((intervalMs * sender) / senders); // not all at the same time
      for (let round = 0; round < rounds; round += 1) {
        const path = `/${sender}-${round}`;
        const declared = exchange({ url: `${server.url}${path}`, request: { method: "POST" }, timeoutMs: 30_000, ...rule });
        if (!(await post(http, `sender-${sender}`, declared))) lost.push(path);
        await sleep(intervalMs);
      }
    }),
  );
  await sleep(500); // logs are written behind the answer
  const processed = server.processed().slice(before);
  return {
    posts: senders * rounds,
    lost: lost.length,
    unseen: lost.filter((path) => !processed.includes(path)).length,
    twice: processed.length - new Set(processed).size,
    connections: http.occurrences.filter(({ type }) => type === "socketOpened").length,
  };
}

const [unpacked = "", python = ""] = execFileSync(join(import.meta.dirname, "ensure.sh"), { encoding: "utf8" }).split("\n");
const print = (line: string): void => void process.stdout.write(`${line}\n`);
process.setMaxListeners(100); // each server is ended with it
let unseen = 0;
print(
  `| rule | server | limit on idle connections | POSTs | lost | of them unseen by their server | processed twice | connections |`,
);
print("| --- | --- | --: | --: | --: | --: | --: | --: |");
for (const [name, rule] of Object.entries(rules)) {
  const cells = Object.entries(servers).flatMap(([server, start]) =>
    limitsSecs.map((limitSecs) => ({ server, start, limitSecs })),
  );
  const rows = await Promise.all(
    cells.map(async ({ server, start, limitSecs }) => {
      await using running = await start({ unpacked, python }, limitSecs);
      const seen = await measure(running, limitSecs, rule);
      if (rule.freshAfterMs === undefined) unseen += seen.unseen;
      const numbers = [seen.posts, seen.lost, seen.unseen, seen.twice, seen.connections].join(" | ");
      return `| ${name} | ${server} | ${limitSecs} s | ${numbers} |`;
    }),
  );
  for (const row of rows) print(row);
}
process.exitCode = unseen === 0 ? 0 : 1;
