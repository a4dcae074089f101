/**
 * Writes statuses to a standalone store until it is killed, and prints the number of each one that was acknowledged.
 *
 * Usage: status-writer.ts DATA-FILE MANIFEST
 */
import { writeSync } from "node:fs";
import { createStandaloneStore } from "../../src/standalone/store.ts";
import { mustLoad } from "./standalone-store.ts";

const [dataFile = "", manifest = ""] = process.argv.slice(2);
const manifests = await mustLoad([manifest]);
const [object] = manifests.objects;
if (!object) throw new Error("the manifest must declare an object");
const { signal } = new AbortController();
const store = createStandaloneStore({ manifests, dataFile });
for await (const event of store.watch(object.type, signal)) {
  if (event.type !== "listed") continue;
  let [resource] = event.resources;
  for (let count = 1; resource; count++) {
    const result = await store.writeStatus(object.type, resource, { completedRuns: count }, { type: "unchanged" }, signal);
    if (result.type === "conflict") throw new Error("nobody else writes");
    resource = result.resource;
    // Synchronous, so that what the reader has not got was not acknowledged.
    writeSync(1, `${count}\n`);
  }
}
