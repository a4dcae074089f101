/** Guards the shape of the code: siblings meet as arguments, in `main.ts` and `cli/`, and nowhere else. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const src = resolve(import.meta.dirname, "../../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const everywhere = ["api", "core"];
/** Serving is translating, again and again. */
const more: Readonly<Record<string, readonly string[]>> = { serve: ["convert"] };

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  return [...text.matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(([, path = ""]) =>
    relative(src, resolve(src, dirname(file), path)),
  );
}
function folderOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? "") : "";
}

test("a folder imports itself, core and api; only main.ts, config.ts and cli import more", () => {
  const wrong = files
    .filter((file) => !["", "cli"].includes(folderOf(file)))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    .filter(
      ({ file, imported }) => ![folderOf(file), ...everywhere, ...(more[folderOf(file)] ?? [])].includes(folderOf(imported)),
    );
  expect(wrong).toEqual([]);
});

test("api imports nothing of ours but itself, and core nothing but itself and api", () => {
  const allowed: Readonly<Record<string, readonly string[]>> = { api: ["api"], core: ["core", "api"] };
  const wrong = files
    .filter((file) => folderOf(file) in allowed)
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    .filter(({ file, imported }) => !allowed[folderOf(file)]?.includes(folderOf(imported)));
  expect(wrong).toEqual([]);
});

/** From top to bottom: a room imports those below it, and none above or beside it. */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  http: [
    ["requester.ts"],
    ["requests.ts"],
    ["prepare.ts", "token-sender.ts", "login"],
    ["evaluate"],
    ["send"],
    ["credentials"],
    ["render"],
    ["resolve"],
    ["limits", "connect"],
    ["failure.ts"],
    ["certificate-texts.ts"],
    ["refusal.ts", "error-codes.ts", "place.ts", "proxy-errors.ts", "wire-request.ts", "field-text.ts"],
  ],
  kinds: [["http-endpoint.ts"], ["namespace.ts", "http-request", "http-resource", "egress"], ["request"], ["types.ts"]],
};

test.each(Object.entries(floors))("in src/%s a room imports only what is on a floor below", (folder, rooms) => {
  const roomOf = (file: string): string => file.split("/")[1] ?? "";
  const floorOf = (file: string): number => rooms.findIndex((floor) => floor.includes(roomOf(file)));
  const inside = files.filter((file) => folderOf(file) === folder);
  expect(inside.filter((file) => floorOf(file) === -1)).toEqual([]);
  const wrong = inside
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    .filter(({ imported }) => folderOf(imported) === folder)
    .filter(({ file, imported }) => roomOf(file) !== roomOf(imported) && floorOf(file) >= floorOf(imported));
  expect(wrong).toEqual([]);
});

test("no file imports itself, over whatever way, types included", () => {
  const done = new Set<string>();
  /** The way back to a file that is on it. */
  function findCircle(file: string, way: readonly string[]): readonly string[] | undefined {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    const circle = importsOf(file)
      .map((imported) => findCircle(imported, [...way, file]))
      .find((found) => found);
    done.add(file);
    return circle;
  }
  expect(files.map((file) => findCircle(file, [])).filter((circle) => circle)).toEqual([]);
});

test("only http opens what is sealed, and what stores an output", () => {
  const mayOpen = (file: string): boolean =>
    /^(http\/.*|(kubernetes|standalone)\/outputs\.ts|kubernetes\/injections\.ts|serve\/served-store\.ts)$/.test(file);
  const wrong = files.filter((file) => !mayOpen(file) && readFileSync(join(src, file), "utf8").includes(".open()"));
  expect(wrong).toEqual([]);
});

test("no source file is longer than 300 lines", () => {
  const long = files.filter((file) => readFileSync(join(src, file), "utf8").split("\n").length > 301);
  expect(long).toEqual([]);
});
