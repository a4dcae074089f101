/** GETs by undici at a pace, and nothing else. Usage: node bench/poll/bare.ts URL OBJECTS GETS_A_SECOND SECONDS; prints µs of CPU for each. */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";

const [url = "", objects = "1", pace = "100", seconds = "10"] = process.argv.slice(2);
const dispatcher = new Agent({ allowH2: false });

async function get(count: number, perSecond: number): Promise<number> {
  const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
  const answers: Promise<string>[] = [];
  while (answers.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedMs) / 1000) * perSecond));
    while (answers.length < due)
      answers.push(request(`${url}/${answers.length % Number(objects)}`, { dispatcher }).then(({ body }) => body.text()));
    await sleep(Math.max(2, 1000 / perSecond));
  }
  await Promise.all(answers);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / count;
}
await get(2_000, 2_000); // until it is compiled
process.stdout.write(`${await get(Math.round(Number(pace) * Number(seconds)), Number(pace))}\n`);
process.exit(0);
