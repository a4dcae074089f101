/** An API server as far as a listing needs one: N HTTPResources in pages, none of any other kind, and watches that tell nothing. Prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const count = Number(process.argv[2] ?? "1000");
const base = "https://users.example.com/users";

function specOf(index: number): object {
  return {
    interval: "10m",
    deletionPolicy: "Delete",
    drift: "Correct",
    retry: { limit: 5, backoff: { initial: "2s", max: "5m" } },
    parameters: { name: `user-${index}`, age: 36 },
    externalID: ".response.body.id",
    exists: ".response.body.created",
    observe: { method: "GET", url: `${base}/\${ .externalID }`, expect: { status: ["2xx"] } },
    create: { method: "POST", url: base, body: { json: "${ .parameters }" }, expect: { status: ["2xx"] } },
    update: {
      method: "PUT",
      url: `${base}/\${ .externalID }`,
      body: { json: { name: "${ .parameters.name }", age: "${ .parameters.age }", roles: ["reader", "writer"] } },
      expect: { status: ["2xx"] },
    },
    delete: { method: "DELETE", url: `${base}/\${ .externalID }`, expect: { status: ["2xx", "404", "410"] } },
  };
}
const at = "2026-01-01T00:00:00Z";
function conditionOf(type: string, status: string, message: string): object {
  return { type, status, reason: "AsDeclared", message, lastTransitionTime: at, observedGeneration: 1 };
}
/** As they are in a cluster: applied by kubectl, created, and as declared. */
function objectOf(index: number): object {
  const spec = specOf(index);
  const digits = String(index).padStart(12, "0");
  const uid = `00000000-0000-4000-8000-${digits}`;
  return {
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPResource",
    metadata: {
      name: `r${index}`,
      namespace: `team-${index % 50}`,
      uid,
      generation: 1,
      resourceVersion: String(1000 + index),
      creationTimestamp: at,
      finalizers: ["holdfast.dev/release"],
      labels: { "app.kubernetes.io/part-of": "users" },
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify({ spec }) },
      managedFields: [
        {
          manager: "kubectl",
          operation: "Update",
          time: at,
          fieldsV1: { "f:spec": { ".": {}, "f:create": {}, "f:observe": {} } },
        },
      ],
    },
    spec,
    status: {
      observedGeneration: 1,
      conditions: [
        conditionOf("Ready", "True", "the remote object is as declared"),
        conditionOf("Drifted", "False", "nothing differs"),
      ],
      completedRuns: 1,
      response: { statusCode: 201, headers: { "content-type": "application/json" }, sizeBytes: 393, durationMs: 3 },
      externalID: String(index),
      seen: true,
      attempt: {
        id: uid,
        digest: `7c89c57bcbbe242b22792433c80d0dbe94d9a070553c18ff8ec3${digits}`,
        phase: "Done",
        startedAt: at,
        finishedAt: at,
        tries: 1,
        verb: "Create",
        succeeded: true,
      },
    },
  };
}
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  if (searchParams.get("watch") === "true") {
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    return;
  }
  const from = Number(searchParams.get("continue") ?? "0");
  const all = pathname.endsWith("/httpresources") ? count : 0;
  const until = Math.min(all, from + Number(searchParams.get("limit") ?? all));
  const items = Array.from({ length: until - from }, (_, index) => objectOf(from + index));
  const metadata = { resourceVersion: "9000000", ...(until < all && { continue: String(until) }) };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ metadata, items }));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
