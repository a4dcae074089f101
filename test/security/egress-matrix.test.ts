/** Every form of an address that is closed, in every place where it can stand: no socket is ever opened to it. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { closedForms, formAddresses, privateForms, publicForms } from "../support/address-forms.ts";
import { canMakeNamespaces, inOwnNetwork } from "../support/network-namespace.ts";

interface Seen {
  readonly outcome: string;
  readonly message: string;
  readonly connections: readonly string[];
  readonly asked: readonly string[];
}
interface Found {
  readonly matrix: Readonly<Record<string, Readonly<Record<string, Seen>>>>;
  readonly rebound: Readonly<Record<string, object>>;
  readonly pooled: Readonly<Record<string, object>>;
  readonly lookups: number;
  readonly unknownToUs: Seen;
}

const isAble = canMakeNamespaces();
if (!isAble) {
  if (process.env["CI"] === "true") throw new Error("CI must be able to make network namespaces");
  console.warn("SKIPPED: the matrix of closed addresses, which needs root and network namespaces.");
}

const publicAddress = "93.184.216.34";
const places = [
  "in the URL",
  "of a name",
  "of a name with a dot",
  "of an alias",
  "among a name's",
  "in a redirect",
  "of a name in a redirect",
  "asked of a proxy",
  "asked of a proxy for a tunnel",
  "of a name asked of a proxy",
  "of an endpoint's proxy",
  "of the name of an endpoint's proxy",
];

(isAble ? describe : describe.skip)("an address", () => {
  let found: Found;
  beforeAll(async () => {
    const script = join(import.meta.dirname, "../support/egress-matrix.ts");
    found = (await inOwnNetwork(script, formAddresses)) as Found;
  });

  /** Where the place has the form, each of them, with what came of it. */
  const at = (place: string, forms: object): readonly (readonly [string, Seen])[] =>
    Object.entries(found.matrix[place] ?? {}).filter(([form]) => Object.hasOwn(forms, form));

  describe.each(places)("%s", (place) => {
    const isPlain = !/redirect|proxy/.test(place);
    /** Where the URL itself has an address, the message names that, and no other. */
    const beyondURL = (message: string): string =>
      /^of a name|alias|among|redirect/.test(place) ? message : message.replace(/^not sent to \S+, /, "");
    const harmless = place.includes("redirect") ? [`::ffff:${publicAddress}`] : [];

    test.each([
      ["closed", closedForms, ["floor"]],
      ["private", privateForms, ["private"]],
    ] as const)("is refused where it is %s, with no socket to it, and the rule is told and no address", (_kind, forms, rules) => {
      const all = at(place, forms);
      expect(all.length).toBeGreaterThanOrEqual(Object.values(forms).filter(({ address }) => address !== undefined).length);
      for (const [form, { outcome, message, connections, asked }] of all) {
        expect({ form, outcome }).toEqual({ form, outcome: harmless.length > 0 ? "EgressDenied" : "refused EgressDenied" });
        expect(rules.some((rule) => message.includes(`"${rule}"`))).toBe(true);
        expect(beyondURL(message)).not.toMatch(/\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f]*:/);
        expect({ form, connections, asked }).toEqual({ form, connections: harmless, asked: [] });
      }
    });
    test("is reached where it is public", () => {
      const all = at(place, publicForms);
      expect(all.length).toBeGreaterThan(2);
      for (const [form, { outcome, connections, asked }] of all)
        if (isPlain) expect({ form, outcome }).toEqual({ form, outcome: "200" });
        else
          expect({ form, denied: outcome.includes("Egress"), reached: connections.length + asked.length > 0 }).toEqual({
            form,
            denied: false,
            reached: true,
          });
    });
  });

  test("that is closed would have been reached, had it been opened: so what is refused above is refused by the guard", () => {
    const all = at("in the URL, were it open", { ...closedForms, ...privateForms });
    const reached = all.filter(([, { outcome }]) => outcome === "200").map(([form]) => form);
    const resolvesNowhere = ["a name for it with a dot", "below that name"]; // there is no DNS for it here
    expect(all.map(([form]) => form).filter((form) => !reached.includes(form))).toEqual(resolvesNowhere);
  });

  test("that a name has only the second time is not dialled: neither by the pooled socket nor by a new one", () => {
    for (const [form, seen] of Object.entries(found.rebound))
      expect({ form, ...seen }).toEqual({
        form,
        outcomes: ["200", "200", "refused EgressDenied", "refused EgressDenied"],
        connections: [`::ffff:${publicAddress}`],
      });
  });

  test("that is private is reached by whom a policy lets, and by nobody else on the same socket; nor by them when it ends", () => {
    const [yes, no] = ["200", "refused EgressDenied"];
    const expected = { outcomes: [yes, no, no, yes, no], connections: 1 };
    expect(found.pooled).toEqual({ literal: expected, name: expected, v6: expected });
  });

  test("is looked up once for a socket: what was checked is what is dialled", () => expect(found.lookups).toBe(1));

  test("that only the proxy can find out is left to the proxy", () =>
    expect(found.unknownToUs).toMatchObject({ outcome: "200", asked: ["http://only.the.proxy.knows/"] }));
});
