import { expect, test } from "@jest/globals";
import { missingReference, open, type Known } from "../../src/core/missing-reference.ts";
import { answer } from "../../src/kinds/request/references.ts";

const value = (one: unknown): Known => ({ type: "value", value: one });
const document: Known = {
  type: "names",
  what: "such name",
  names: {
    inputs: {
      type: "names",
      what: "input",
      names: {
        token: open,
        db: value({ password: "p", none: null, list: [{ a: 1 }], config: '{"a":{"b":1}}' }),
      },
    },
    item: value({ id: 1 }),
    parameters: value({ kind: "a" }),
    response: { type: "names", what: "part of an answer", names: { body: open } },
  },
};

test.each([
  [".inputs.tokn", '.inputs.tokn: there is no input "tokn"; there are token, db'],
  [".inptus.token", '.inptus: there is no such name "inptus"; there are inputs, item, parameters, response'],
  [".inputs | .tokn", '.inputs.tokn: there is no input "tokn"'],
  [".inputs.db.pasword", ".inputs.db.pasword is not there"],
  ['.inputs["db"]["pasword"]', ".inputs.db.pasword is not there"],
  [".inputs.db.none.deeper", ".inputs.db.none.deeper is not there"],
  [".inputs.db.list[1].a", ".inputs.db.list[1] is not there"],
  [".inputs.db.list[-2]", ".inputs.db.list[-2] is not there"],
  [".inputs.db.config | fromjson | .a.c", ".inputs.db.config|fromjson.a.c is not there"],
  [".inputs as $i | $i.tokn", "no input"],
  [". as $all | $all.inputs.tokn", "no input"],
  [". as {inputs: {$tokn}} | $tokn", "no input"],
  ["def f: .inputs.tokn; f", "no input"],
  ["def f($x): $x.tokn; f(.inputs)", "no input"],
  ["{a: .inputs.tokn}", "no input"],
  ["{inptus}", "no such name"],
  ['"a \\(.inputs.tokn)"', "no input"],
  ["[.inputs.tokn]", "no input"],
  [".inputs.token + .inputs.tokn", "no input"],
  [".inputs.tokn | ascii_upcase", "no input"],
  ["if .inputs.tokn then 1 else 2 end", "no input"],
  ['if .inputs.token == "a" then .inputs.tokn else 1 end', "no input"],
  ['if .inputs.token == "a" then .inputs.db.b else 1 end', ".inputs.db.b is not there"],
  [".item.id += .inputs.tokn", "no input"],
  [".inputs.token // .inputs.tokn", "no input"],
  ['"\\(.inputs.tokn)" // "a"', "no input"],
  ["[.inputs.tokn]?", "no input"],
  ['.inputs.tokn == "a"', "no input"],
  [".response.bdoy.id", "no part of an answer"],
  [".item.nmae", ".item.nmae is not there"],
  [".parameters.knid", ".parameters.knid is not there"],
  ["reduce .inputs.db.list[] as $x (.inputs.tokn; . + $x.a)", "no input"],
  ["reduce .inputs.db.list[] as $x (0; . + $x.a) | . + 1, .inputs", undefined],
  ['first(.inputs.tokn, "a")', "no input"],
  [".inputs.tokn as $t | $t", "no input"],
  ['select(.inputs.tokn == 1) | "a"', "no input"],
  ["if .inputs.token and .inputs.tokn then 1 else 2 end", "no input"],
  ["if .parameters.knid then 1 else 2 end", ".parameters.knid is not there"],
  ["if .inptus.token | not then 1 else 2 end", "no such name"],
  [".inputs.token | select(. == $__prog_args)", undefined],
  [". as $all | .inputs.db.list | map(select(.a == $all.inputs.tokn))", "no input"],
  ["any(.inputs.token, .inputs.tokn; .)", "no input"],
  ["all(.inputs.db.list[]; .a) and .inputs.tokn", "no input"],
  ["[.inputs.token, .inputs.tokn] | any", "no input"],
  [".item | select(.id) | .nmae | ascii_upcase", undefined],
  [".inputs | select(.token) | .tokn", "no input"],
  ['[.inputs.db.password | startswith("a")] | all and (.inputs | has("a"))', undefined],
  [". | contains({a: .inputs.tokn})", "no input"],
])("%s names what is not there", (expression, said) => {
  const found = missingReference(expression, document);
  if (said === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(said);
});

test.each([
  ".inputs.token",
  ".inputs.token.anything",
  ".inputs.db.none",
  ".inputs.db.list[0].a",
  ".inputs.db.list[-1]",
  ".inputs.db.config | fromjson | .a.b",
  '.inputs.tokn // "a"',
  ".inputs.tokn?",
  ".inputs.db?.pasword",
  "try .inputs.tokn",
  ".inputs.tokn == null",
  "null != .inputs.tokn",
  'if .inputs.tokn == null then "a" else .inputs.tokn end',
  'if (.inputs | has("tokn")) then .inputs.tokn else "a" end',
  '(.item | has("name")) and .item.name == "a"',
  'if .item.id == 1 then .item.one elif .item.id == 2 then .item.two else "a" end',
  'if .parameters.kind == "b" then .parameters.b else 1 end',
  '.inputs.db | if .password == "b" then .b else .password end',
  'if .inputs.db.password == "b" then .inputs.db.b else 1 end',
  ".inputs.db.password |= (.a + .b)",
  ".item |= {a: .name}",
  ".inputs.db | .list[0] |= {c: .b}",
  '.inputs.tokn as $t | $t // "a"',
  '(.inputs.tokn | ascii_upcase)? // "a"',
  '.inputs["to" + "kn"]',
  ".inputs[.item.id | tostring]",
  ".item.name = 1",
  "del(.inputs.tokn)",
  ".item | del(.name)",
  "[.inputs.db.list[] | .b]",
  "[.inputs | .. | .b?]",
  "with_entries(.value |= .x)",
  '.inputs.token | test("a")',
  ".response.body.anything",
  "if .inputs.db.debug then 1 else 2 end",
  "if .item.vip then .item.vip else 1 end",
  ".item.vip | not",
  ".item | select(.vip)",
  ".item.vip | select(.)",
  "[.item.a, .item.id] | any",
  "any(.item.a, .item.b; .)",
  "all(.inputs.db.list[]; .b)",
  ".inputs.db.list | any(.b)",
  'if .inputs.token and (.item.a or .item.b) then .item.a else "" end',
  "def any: .x; [.item.id] | any",
  "not closed (",
])("%s names nothing that is missing for certain", (expression) => {
  expect(missingReference(expression, document)).toBeUndefined();
});

test("cookies are a part of an answer", () => {
  expect(
    missingReference(".response.cookies.session", { type: "names", what: "such name", names: { response: answer } }),
  ).toBeUndefined();
});
