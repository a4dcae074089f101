/** What is sent, or created, once more where it has been already: an object as it stands in Git says nothing of that. Pure. */
import { assumeDoneAnnotation, externalIdAnnotation } from "../core/resource.ts";
import type { Finding } from "./findings.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import type { Manifest } from "./translation.ts";

const wayOut = "convert the live object, if there is one (kubectl get … -o yaml)";

export function lookForAnew(
  { status }: Pick<PeerRequest | PeerDisposable, "status">,
  manifest: Manifest | undefined,
): readonly Finding[] {
  if (Object.keys(status ?? {}).length > 0 || !manifest || manifest.spec["suspend"] === true) return [];
  const { annotations = {} } = manifest.metadata;
  const tell = (message: string): readonly Finding[] => [{ level: "WARN", field: "status", message: `${message}: ${wayOut}` }];
  switch (manifest.kind) {
    case "HTTPRequest": {
      const { method } = manifest.spec;
      if (annotations[assumeDoneAnnotation] === "true" || method === "GET" || method === "HEAD") return [];
      return tell("none was given, so it is sent, even if it has been sent there");
    }
    case "HTTPResource": {
      const { create, externalID } = manifest.spec;
      // Without an id to be found out it is looked at under the URL that it has, and found.
      if (!create || externalID === undefined || annotations[externalIdAnnotation] !== undefined) return [];
      return tell("none was given, so its object is created, even if there is one");
    }
  }
}
