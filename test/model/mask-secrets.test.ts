import { describe, expect, test } from "@jest/globals";
import { array, assert, constantFrom, integer, property, string, tuple } from "fast-check";
import { createMask } from "../../src/core/mask-secrets.ts";
import { formsOf } from "../../src/core/secret-forms.ts";
import { createTextIndex, longestIndexed } from "../../src/core/tools/text-index.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const masking = (kept: readonly string[], derived: readonly string[] = []) => createMask(() => ({ kept, derived }));
const shown = (text: string, kept: readonly string[], derived: readonly string[] = []): string | undefined =>
  masking(kept, derived).show(text)?.text;
const forms = (secret: string): string[] => [...formsOf(secret)].map((pieces) => [...pieces].join(""));

describe("secrets that overlap leave nothing behind:", () => {
  test.each([
    ["one ends as another begins", "<abcdef123456>", ["abcdef123", "123456"], "<***>"],
    ["one is within another", "<abcdef123456>", ["cdef", "abcdef123456"], "<***>"],
    ["three in a chain", "<aaaabbbbccccdddd>", ["aaaabbbb", "bbbbcccc", "ccccdddd"], "<***>"],
    ["one overlaps itself", "<abababab>", ["abab"], "<***>"],
    [
      "a form of one overlaps another",
      `<${Buffer.from("s3cr3t").toString("base64")}tail>`,
      ["s3cr3t", "M3QKtail", "N0tail"],
      "<***>",
    ],
    ["one beside another", "<aaaabbbb>", ["aaaa", "bbbb"], "<***>"],
    ["an asterisk is text like any other", "<***a***a>", ["***a"], "<***>"],
  ])("%s", (_name, text, secrets, wanted) => {
    expect(shown(text, secrets)).toBe(wanted);
  });

  test(
    "no character of any occurrence is shown, and every other one is",
    () => {
      const letters = array(constantFrom("a", "b"), { minLength: 4, maxLength: 9 }).map((all) => all.join(""));
      const text = array(constantFrom("a", "b", "-"), { maxLength: 60 }).map((all) => all.join(""));
      assert(
        property(text, array(letters, { minLength: 1, maxLength: 6 }), (text, secrets) => {
          const hidden = new Set<number>();
          for (const form of secrets.flatMap(forms))
            for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1))
              for (let index = at; index < at + form.length; index += 1) hidden.add(index);
          const wanted = text
            .split("")
            .map((char, index) => (hidden.has(index) ? "*" : char))
            .join("");
          expect(shown(text, secrets)?.replaceAll("***", "*")).toBe(wanted.replaceAll(/\*+/g, "*"));
          const long = "-".repeat(3_000); // which is looked through in another way
          expect(shown(text + long, secrets)).toBe(`${shown(text, secrets)}${long}`);
        }),
        runs(300),
      );
    },
    fuzzTimeoutMs,
  );
});

test("base64 of a secret together with something else is masked, wherever the secret begins in it", () => {
  const secret = "correct horse battery";
  for (const before of ["", "a", "ab", "user:", "a longer one: "])
    for (const after of ["", "z", "\n", ":and more"])
      for (const alphabet of ["base64", "base64url"] as const) {
        const text = shown(Buffer.from(`${before}${secret}${after}`).toString(alphabet), [secret]) ?? "";
        expect(Buffer.from(text.replaceAll("*", ""), alphabet).toString()).not.toContain("horse");
        expect(text).toContain("***");
      }
});

describe("base64 of a secret, and then encoded by", () => {
  const secret = "?>~?>\u007f~~???>>>>~~~ subjects?_d";
  const base64 = Buffer.from(secret).toString("base64");
  test.each([
    ["JSON of PHP", (text: string) => text.replaceAll("/", "\\/")],
    ["JSON of .NET", (text: string) => text.replaceAll("+", "\\u002B")],
    ["a URL", encodeURIComponent],
    ["a URL in a URL", (text: string) => encodeURIComponent(encodeURIComponent(text))],
    ["HTML, decimal", (text: string) => text.replaceAll("+", "&#43;")],
    ["HTML, hexadecimal", (text: string) => text.replaceAll("+", "&#x2B;").replaceAll("/", "&#x2F;")],
  ])("%s, is masked", (_name, encode) => {
    expect(base64).toMatch(/\+.*\/|\/.*\+/);
    expect(encode(base64)).not.toBe(base64);
    expect(shown(`<${encode(base64)}>`, [secret])).toMatch(/^<\*\*\*(=|%3D|%253D)*>$/);
  });
});

test.each([
  ["Go", "&#34;&#39;&amp;+"],
  ["others", "&#34;&#39;&#38;&#43;"],
])("numeric references of HTML, as %s writes them, are masked", (_name, written) => {
  expect(shown(`<pass${written}word>`, ["pass\"'&+word"])).toBe("<***>");
});

describe("a PEM is masked", () => {
  const lines = Array.from({ length: 4 }, (_, index) => `${index}+/aB`.repeat(12) + "abcd");
  const pem = ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
  const crlf = pem.replaceAll("\n", "\r\n");
  test.each([
    ["with CRLF", crlf],
    ["with CRLF, in JSON", JSON.stringify(crlf)],
    ["without line breaks", pem.replaceAll("\n", "")],
  ])("%s", (_name, written) => {
    const seen = shown(`the key is ${written}`, [pem]) ?? "";
    expect(seen).toContain("***");
    expect(seen).not.toContain("aB");
  });
});

describe("a PEM is masked, whatever its lines are broken into:", () => {
  const body = Array.from({ length: 40 }, (_, index) => `${(index * 7919).toString(36)}+/aB`.padEnd(8, "x")).join("");
  const linesOf = (width: number): string[] => body.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
  const pemOf = (width: number): string =>
    ["-----BEGIN PRIVATE KEY-----", ...linesOf(width), "-----END PRIVATE KEY-----", ""].join("\n");
  const slashes = (text: string): string => text.replaceAll("/", "\\/");
  const ways: readonly (readonly [string, string])[] = [
    ["76 characters", pemOf(76)],
    ["48, in JSON", JSON.stringify(pemOf(48))],
    ["76, in JSON in JSON, with escaped slashes", JSON.stringify(slashes(JSON.stringify(pemOf(76))))],
    ["its own, indented", pemOf(64).replaceAll("\n", "\n    ")],
    ["none", pemOf(10_000).replaceAll("\n", "")],
    ["none, without its first and last line", body],
    ["76, without its first and last line", linesOf(76).join("\r\n")],
  ];
  test.each(ways)("%s", (_name, written) => {
    for (const kept of [pemOf(64), pemOf(64).replaceAll("\n", "\r\n"), JSON.stringify({ private_key: pemOf(64) })])
      for (const more of ["", "-".repeat(3_000)]) {
        const text = `the key is <${written}>${more}`;
        const seen = shown(text, [kept]) ?? "aB";
        expect(seen).toMatch(/^the key is <[\\"]*\*\*\*(\\+n|[\s"\\])*>-*$/);
        expect(masking([kept]).holdsSecret(text)).toBe(true);
      }
  });
  test("one that is cut", () => {
    const before = "-".repeat(longestIndexed - 200);
    expect(shown(`${before} ${pemOf(76)}`, [pemOf(64)])).toMatch(/^-+ \*\*\*$/);
  });
  test("beside another secret, which it overlaps", () => {
    expect(shown(`<${body.slice(0, 100)}\n${body.slice(100)}tail>`, [pemOf(64), `${body.slice(-8)}tail`])).toBe("<***>");
  });
  test("not one that lacks a character, nor a part of it", () => {
    for (const other of [body.slice(1), body.slice(0, -1), linesOf(64)[1] ?? "", `${body.slice(0, 99)}!${body.slice(100)}`])
      expect(shown(`<${other}>`, [pemOf(64)])).toBe(`<${other}>`);
  });
  test("or nothing is shown, of more such secrets than can be looked for", () => {
    const many = Array.from({ length: 40 }, (_, nth) => `${nth}\n${"x".repeat(longestIndexed)}`);
    expect(shown("y".repeat(longestIndexed), many)).toBeUndefined();
  });
});

test("a line of a secret of several is not masked by itself: it may be a URL, or a name", () => {
  const login = "login: robot\nhttps://api.example.com\npassword-of-robot\n";
  expect(shown("https://api.example.com/jobs/17", [login])).toBe("https://api.example.com/jobs/17");
});

test("texts in a secret that is JSON are secrets, each for itself", () => {
  const key = JSON.stringify({ type: "account", private: { password: "p4ss-w0rd-of-it" }, list: ["another-one"] });
  const basic = Buffer.from("me:p4ss-w0rd-of-it").toString("base64");
  expect(shown(`p4ss-w0rd-of-it another-one account ${basic}`, [key])).toMatch(/^\*\*\* \*\*\* account .{0,6}\*\*\*=*$/);
});

test("all texts in a secret that is JSON are, however many there are", () => {
  const texts = Array.from({ length: 300 }, (_, index) => `text-${index}-of-it`);
  expect(shown(`< ${texts.join(" | ")} >`, [JSON.stringify(texts)])).toBe(`< ${texts.map(() => "***").join(" | ")} >`);
  expect(shown("< text-69-of-it >", [JSON.stringify(texts.slice(0, 70))])).toBe("< *** >");
});

describe("a server that writes JSON anew shows nothing of", () => {
  const password = 'hunter2-correct "horse"';
  const rewritten = JSON.stringify({ password, more: 1 }, undefined, 2);
  const wanted = JSON.stringify({ password: "***", more: 1 }, undefined, 2);
  test("a Secret, also one that is longer than what is shown", () => {
    for (const length of [0, 1_000, longestIndexed, 3 * longestIndexed])
      expect(shown(rewritten, [JSON.stringify({ padding: "-".repeat(length), password })])).toBe(wanted);
  });
  test("what an expression made, in which a Secret is a part", () => {
    expect(shown(rewritten, [], [JSON.stringify({ user: "admin", password })])).toBe(wanted);
    expect(shown(rewritten, [`admin:${password}`], [JSON.stringify([{ user: "admin", password }])])).toBe(wanted);
    expect(shown("admin seven77", [], ['["admin","seven77"]'])).toBe("admin seven77");
  });
});

test("what an expression made of a secret is one from eight characters on", () => {
  expect(shown("eightchr seven77", [], ["eightchr", "seven77"])).toBe("*** seven77");
});

describe("a text that is longer than what is shown", () => {
  test("is cut, and a secret that goes on beyond the cut is not shown in part", () => {
    const secret = "abcdefghijklmnop".repeat(100);
    for (const from of [0, 1, 7, 400, 1599]) {
      const text = `${"-".repeat(longestIndexed - 1600 + from)}${secret}${secret}`;
      const { text: seen = "", isCut } = masking([secret]).show(text) ?? {};
      expect([isCut, /^-*(\*\*\*)?$/.test(seen)]).toEqual([true, true]);
    }
  });
  test("shows nothing of a secret that is longer than that itself", () => {
    const secret = "0123456789abcdef".repeat(50_000);
    const base64 = Buffer.from(secret).toString("base64");
    for (const text of [secret, base64, `ok: ${secret}`]) expect(shown(text, [secret])).toMatch(/^(ok: )?\*\*\*$/);
    expect(shown('{"etag":"1"}', [secret])).toBe('{"etag":"1"}');
  });
  test("holds a secret, as far as anybody can tell", () => {
    expect(masking(["a-secret"]).holdsSecret("x".repeat(longestIndexed + 1))).toBe(true);
    expect(masking(["a-secret"]).holdsSecret("x".repeat(longestIndexed))).toBe(false);
  });
});

describe("what is looked for is bounded:", () => {
  test("too many secrets, or too many that the text nearly has, and nothing is shown", () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `secret-${index}`);
    expect(shown("some text that is long enough", many)).toBeUndefined();
    const alike = Array.from({ length: 64 }, (_, index) => `${"a".repeat(16_000)}é${index}`);
    expect(shown("a".repeat(longestIndexed), alike)).toBeUndefined();
    expect(masking(many).holdsSecret("some text that is long enough")).toBe(true);
  });
  test("more than 64 Ki characters of JSON in all secrets, or more than 512 that expressions made, and nothing is shown", () => {
    const json = (length: number): string => JSON.stringify(["x".repeat(length - 4)]);
    const text = "some text that is long enough";
    const half = 1 << 15;
    for (const [kept, derived] of [
      [[json(half), json(half)], []],
      [[json(half)], [json(half)]],
      [[], [json(2 * half)]],
    ]) {
      expect(shown(text, kept ?? [], derived)).toBe(text);
      expect(shown(text, [...(kept ?? []), "[1]"], derived)).toBeUndefined();
      expect(masking([...(kept ?? []), "[1]"], derived).holdsSecret(text)).toBe(true);
    }
    expect(shown(text, ["-".repeat(1 << 20)])).toBe(text); // no JSON
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `${"long".repeat(9)}${index}`);
    expect([shown(text, [], many(512)), shown(text, [], many(513))]).toEqual([text, undefined]);
  });
  test("short texts are shown whatever long secrets there are, since none could be in them", () => {
    expect(
      shown(
        "application/json",
        Array.from({ length: 2_000 }, (_, index) => `${"long".repeat(9)}${index}`),
      ),
    ).toBe("application/json");
  });
  test("an index takes no more steps than a pattern has characters, and none beyond what the text has of it", () => {
    const text = "ab".repeat(longestIndexed / 2);
    const index = createTextIndex(text, false);
    index.mark(["a".repeat(1 << 20)]);
    expect(index.work).toBe(2);
    index.mark(["ba".repeat(1 << 20)]);
    expect(index.work).toBeLessThanOrEqual(2 + longestIndexed + 1);
    expect(() => createTextIndex(`${text}a`, false)).toThrow(RangeError);
  });
});

test(
  "an index finds what indexOf finds, in any text",
  () => {
    const text = tuple(
      constantFrom(["a", "b"], ["a", "b", "c"], ["a", "é", "\u{10000}"], ["a"]),
      integer({ min: 0, max: 80 }),
    ).chain(([alphabet, length]) => string({ unit: constantFrom(...alphabet), minLength: length, maxLength: length }));
    assert(
      property(
        text,
        array(string({ unit: constantFrom("a", "b"), minLength: 1, maxLength: 6 }), { maxLength: 5 }),
        (text, patterns) => {
          const index = createTextIndex(text, false);
          for (const pattern of patterns) index.mark(pattern);
          const places = Array.from({ length: text.length }, () => false);
          for (const pattern of patterns)
            for (let at = text.indexOf(pattern); at !== -1; at = text.indexOf(pattern, at + 1))
              places.fill(true, at, at + pattern.length);
          const marked = Array.from({ length: text.length }, () => false);
          for (const [from, to] of index.ranges()) marked.fill(true, from, to);
          expect(marked).toEqual(places);
        },
      ),
      runs(500),
    );
  },
  fuzzTimeoutMs,
);
