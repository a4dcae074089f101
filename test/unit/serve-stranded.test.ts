/** What becomes of a shadow that is deleted while nobody here serves its object. */
import { expect, test } from "@jest/globals";
import { createStranded } from "../../src/cli/serve/stranded.ts";
import type { Resource } from "../../src/core/resource.ts";
import { peerFinalizer } from "../../src/serve/served-object.ts";
import { servedAsAnnotation, standsForLabel } from "../../src/serve/shadow.ts";

const shadow: Resource = {
  metadata: {
    namespace: "here",
    name: "one",
    uid: "u1",
    generation: 1,
    resourceVersion: "1",
    deletionTimestamp: "t",
    labels: { [standsForLabel]: "u0" },
    annotations: { [servedAsAnnotation]: "requests.http.m.crossplane.io/here/one" },
  },
  spec: {},
};
const object = (more: object): Resource => ({
  metadata: { namespace: "here", name: "one", uid: "u0", generation: 1, resourceVersion: "1", ...more },
  spec: {},
});
const ending = { deletionTimestamp: "t" };

test.each<[string, boolean, Resource | undefined, boolean]>([
  ["its object is there, for which this process may come to serve it", true, object({}), false],
  ["its object is being deleted by whoever serves it", true, object({ ...ending, finalizers: [peerFinalizer] }), false],
  ["its object waits for nobody but what it owns", true, object({ ...ending, finalizers: ["foregroundDeletion"] }), true],
  ["its object is gone", true, undefined, true],
  ["nothing is ever served here", false, object({ ...ending, finalizers: [peerFinalizer] }), true],
])("of one that is deleted: %s", async (_, servesLater, live, goes) => {
  const stop = new AbortController();
  const { promise: looked, resolve: look } = Promise.withResolvers<void>();
  const annotated: string[] = [];
  let asked: unknown;
  const stranded = createStranded(
    {
      async live(type, { metadata: { namespace, name, uid } }) {
        asked = { type: `${type.plural}.${type.group}`, namespace, name, uid };
        setImmediate(look);
        return live;
      },
      async annotate(_type, shadow, name, value) {
        annotated.push(`${shadow.metadata.name} ${name}=${value}`);
        look();
        return shadow;
      },
    },
    { isIdle: () => true, servesLater, emit: () => {} },
  );
  stranded.observe("HTTPResource", { namespace: "here", name: "one" }, shadow);
  const running = stranded.run(stop.signal);
  await looked;
  stop.abort();
  await running;
  expect(annotated).toEqual(goes ? ["one holdfast.dev/orphan=true"] : []);
  if (servesLater) expect(asked).toEqual({ type: "requests.http.m.crossplane.io", namespace: "here", name: "one", uid: "u0" });
});
