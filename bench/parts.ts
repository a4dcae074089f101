/**
 * What the small parts of an exchange and of a look cost by themselves, microseconds of CPU: the lowest of several rounds, as compiled code.
 * In a controller that sleeps in between each costs more.
 *
 * Usage: node bench/parts.ts
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { hash } from "node:crypto";
import { Registry } from "prom-client";
import { createSharing } from "../src/core/tools/sharing.ts";
import { parseDocument } from "../src/expressions/native/values.ts";
import { withoutManagedFields } from "../src/kubernetes/managed-fields.ts";
import { clientKey, settingsOf } from "../src/http/connect/client-settings.ts";
import { createInstruments, latencySecs } from "../src/telemetry/instruments.ts";

const rounds = 7;

function print(part: string, work: (index: number) => unknown, times = 100_000): void {
  const costs = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    for (let index = 0; index < times; index += 1) work(index);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  });
  process.stdout.write(`| ${part} | ${Math.min(...costs).toFixed(2)} µs |\n`);
}

process.stdout.write("| part | CPU |\n| --- | --: |\n");

const { counter, histogram } = createInstruments(new Registry());
const requests = counter("requests", "Requests.", { method: ["GET"], code: ["2xx"], reason: [""] });
print("one more in a counter with three labels", () => requests.inc({ method: "GET", code: "2xx", reason: "" }));
const latency = histogram("latency", "Latency.", latencySecs, { method: ["GET"] });
print("one more in a histogram", (index) => latency.observe({ method: "GET" }, index / 1e6));

const namespace = new AsyncLocalStorage<string>();
let ran = 0;
print("a run of AsyncLocalStorage", () => namespace.run("team", () => (ran += 1)));
print("a timer, set and cleared", () => clearTimeout(setTimeout(() => {}, 30_000)));
print("an AbortSignal, listened to and not any more", () => {
  const { signal } = new AbortController();
  const listener = { handleEvent: () => {} };
  signal.addEventListener("abort", listener, { once: true });
  signal.removeEventListener("abort", listener);
});

const tls = { rejectUnauthorized: true, minVersion: "TLSv1.2" } as const;
print("the settings of a client and its key", () => clientKey(settingsOf(tls, { timeoutMs: 30_000 })));

for (const bytes of [330, 4_096, 65_536]) {
  const content = Buffer.alloc(bytes, "x");
  print(`SHA-256 of ${bytes} bytes`, () => hash("sha256", content, "hex"), 2_000);
}
const user = { id: "1", created: true, name: "user-1", age: 36, email: "user-1@example.com", roles: ["reader", "writer"] };
for (const users of [1, 200]) {
  const document = JSON.stringify({ now: "2026-01-01T00:00:00Z", response: { body: Array.from({ length: users }, () => user) } });
  print(`reading a document of ${document.length} bytes for expressions`, () => parseDocument(document), 2_000);
  print("the same by JSON.parse alone", () => JSON.parse(document) as unknown, 2_000);
}

const fields = {
  "f:type": {},
  "f:status": {},
  "f:reason": {},
  "f:message": {},
  "f:lastTransitionTime": {},
  "f:observedGeneration": {},
};
const conditions = { 'k:{"type":"Ready"}': fields, 'k:{"type":"Synced"}': fields };
const attempt = { "f:id": {}, "f:digest": {}, "f:phase": {}, "f:startedAt": {}, "f:finishedAt": {}, "f:tries": {}, "f:verb": {} };
const fieldsV1 = { "f:status": { "f:conditions": conditions, "f:attempt": attempt, "f:response": fields } };
const managedFields = ["unknown", "holdfast"].map((manager) => ({
  manager,
  operation: "Update",
  fieldsType: "FieldsV1",
  fieldsV1,
}));
const metadata = { name: "a", namespace: "a", uid: crypto.randomUUID(), resourceVersion: "57791", generation: 1, managedFields };
const answer = JSON.stringify({ kind: "PartialObjectMetadata", metadata });
print(`reading the answer to a status write, ${answer.length} bytes`, () => JSON.parse(withoutManagedFields(answer)) as unknown);
print("the same by JSON.parse alone", () => JSON.parse(answer) as unknown);

const share = createSharing();
const at = (index: number): string => new Date(index * 1_000).toISOString();
function statusAt(index: number): object {
  const one = {
    status: "True",
    reason: "AsDeclared",
    message: "the remote object is as declared",
    lastTransitionTime: at(index),
  };
  const response = { statusCode: 201, headers: { "content-type": "application/json" }, sizeBytes: 393, durationMs: 3 };
  const ofAttempt = {
    id: crypto.randomUUID(),
    digest: "7c89c57bcbbe242b22792433c80d0dbe",
    phase: "Done",
    startedAt: at(index),
    tries: 1,
  };
  return {
    observedGeneration: 1,
    conditions: ["Ready", "Synced"].map((type) => ({ type, ...one })),
    response,
    attempt: ofAttempt,
  };
}
const statuses = Array.from({ length: 2_000 * rounds }, (_, index) => statusAt(index));
print("holding equal parts of a status once", () => share(statuses.pop()), 2_000);
