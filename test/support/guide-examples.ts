/** The guide's examples as cases: as they stand, but for their interval, and meddled with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { guideServer } from "./guide-servers.ts";
import type { RemoteCase, Seen, Serve } from "./remote-servers.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, string>>;
}
/** What a file declares, by `Kind/name`, looked after each second. `put`: texts and what stands in their place. */
export function example(file: string, put: Readonly<Record<string, string>> = {}): RemoteCase["manifests"] {
  let text = readFileSync(join(import.meta.dirname, "../../examples", file), "utf8").replaceAll("http://127.0.0.1:28080", "$URL");
  for (const [from, to] of Object.entries(put)) {
    if (!text.includes(from)) throw new Error(`examples/${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  return Object.fromEntries(
    manifests.map(({ kind, metadata, spec, stringData }) => [
      `${kind}/${metadata.name}`,
      { ...(stringData ?? spec), ...(kind === "HTTPResource" && { interval: "1s" }) },
    ]),
  );
}
export const without = (manifests: RemoteCase["manifests"], title: string): RemoteCase["manifests"] =>
  Object.fromEntries(Object.entries(manifests).filter(([key]) => key !== title));
export const annotated = (manifests: RemoteCase["manifests"], title: string, annotations: object): RemoteCase["manifests"] => ({
  ...manifests,
  [title]: { ...manifests[title], metadata: { annotations } },
});
/** Nothing but what Secrets and endpoints hold. */
export const gone = (manifests: RemoteCase["manifests"]): RemoteCase["manifests"] =>
  Object.fromEntries(Object.entries(manifests).filter(([title]) => !title.startsWith("HTTPRe")));

/** Before the `nth` request like this something is done by hand, once. */
export function meddled(
  { method, path, nth }: { readonly method: string; readonly path: string; readonly nth: number },
  by: (serve: Serve) => void,
): () => Serve {
  return () => {
    const serve = guideServer();
    let count = 0;
    return (asked, seconds) => {
      if (asked.method === method && asked.path === path && (count += 1) === nth) by(serve);
      return serve(asked, seconds);
    };
  };
}
export const asked = (method: string, path: string, body: Record<string, unknown> = {}, headers = {}): Parameters<Serve>[0] => {
  return { method, path, query: new URLSearchParams(), headers, text: "", body };
};
/** The first of these requests is answered so, and not heard. */
export const refusing =
  (word: string, body: unknown): (() => Serve) =>
  () => {
    const serve = guideServer();
    let isDone = false;
    return (request, seconds) => {
      if (isDone || !request.text.includes(word)) return serve(request, seconds);
      isDone = true;
      return { body };
    };
  };

export const fields = (bodies: readonly string[], name: string): unknown[] =>
  bodies.map((text) => (JSON.parse(text) as Record<string, unknown>)[name]);
/** What a JSON body asks for, by a name that stands in it. */
export const times = (bodies: readonly string[], word: string): number => bodies.filter((text) => text.includes(word)).length;
export const ready = ({ state }: Seen, ...names: readonly string[]): string[] =>
  names.map((name) => state(name).split("/")[0] ?? "");
