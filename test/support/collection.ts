/** A server with a collection of things, as most are, and what is out of the common about it. */
import { expect } from "@jest/globals";
import type { Answer, Asked, RemoteCase, Seen } from "./remote-servers.ts";

export type Thing = Readonly<Record<string, unknown>>;
interface World {
  readonly all: Map<string, Thing>;
  /** Seconds since the first was made; -1: none was. */
  readonly since: number;
  /** How often one has been asked for since then, this time included. */
  readonly looks: number;
}
interface Oddities {
  /** The id of the next, of which there were so many before. */
  readonly id?: (count: number, body: Thing) => string | number;
  readonly keep?: (body: Thing) => Thing;
  readonly show?: (thing: Thing) => unknown;
  readonly list?: (things: readonly Thing[]) => unknown;
  /** The answer where the thing was made, or changed. */
  readonly made?: (thing: Thing) => Answer;
  readonly changed?: (thing: Thing) => Answer;
  /** What goes before: an answer of another kind. `undefined`: as usual. */
  readonly first?: (request: Asked, world: World) => Answer | undefined;
}

/** POST and GET of /things; GET, PUT, PATCH and DELETE of /things/ID. */
export function collection({
  id = (count) => count,
  keep = (body) => body,
  show = (thing) => thing,
  list = (things) => things.map(show),
  made = (thing) => ({ status: 201, body: show(thing) }),
  changed = (thing) => ({ body: show(thing) }),
  first = () => undefined,
}: Oddities = {}): RemoteCase["server"] {
  return () => {
    const all = new Map<string, Thing>();
    let count = 0;
    let madeAt: number | undefined;
    let looks = 0;
    return (request, seconds) => {
      const { method, path, body } = request;
      if (method === "GET" && madeAt !== undefined && /^\/things\/./.test(path)) looks += 1;
      const answer = first(request, { all, looks, since: madeAt === undefined ? -1 : seconds - madeAt });
      if (answer) return answer;
      const [, , name] = path.split("/");
      if (name === undefined && method === "POST") {
        const thing = { id: id((count += 1), body), ...keep(body) };
        madeAt ??= seconds;
        all.set(String(thing.id), thing);
        return made(thing);
      }
      if (name === undefined) return { body: list([...all.values()]) };
      const key = decodeURIComponent(name);
      const thing = all.get(key);
      if (!thing) return undefined;
      if (method === "DELETE") return { status: 204, body: void all.delete(key) };
      if (method === "GET") return { body: show(thing) };
      const after = { ...(method === "PATCH" && thing), ...keep(body), id: thing["id"] };
      all.set(key, after);
      return changed(after);
    };
  };
}

export const itsURL = "$URL/things/${ .externalID }";
/** The manifest for one of them. */
export const declared = (parameters: object, more: object = {}) => ({
  parameters,
  externalID: ".response.body.id",
  observe: { url: itsURL },
  create: { url: "$URL/things", body: { json: "${ .parameters }" } },
  update: { url: itsURL, body: { json: "${ .parameters }" } },
  delete: { url: itsURL },
  interval: "1s",
  ...more,
});
export const byName = { url: "$URL/things", match: ".item.name == .parameters.name" };
/** Nothing is declared any more. */
export const nothing = { "ConfigMap/other": {} };
export const ready = (state: string): string | undefined => state.split("/")[0];
/** Of the thing that was made first. */
export function expectMadeOnce({ sent, status, state }: Seen): void {
  expect([sent("POST").length, status("thing")["externalID"]]).toEqual([1, "1"]);
  expect(ready(state("thing"))).toBe("True");
}
