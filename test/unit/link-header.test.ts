import { expect, test } from "@jest/globals";
import { nextLink } from "../../src/core/tools/link-header.ts";

test.each([
  ['<https://a/?p=2>; rel="next"', "https://a/?p=2"],
  ["</b>;rel=next", "/b"],
  ['<a>; rel="prev", <b>; rel="next"; title="x, <y>; rel=z"', "b"],
  ['<a>; title="a \\"next\\" one, <c>; rel=next", <b>; REL="last Next"', "b"],
  ['<a>; rel="prev"; rel="next", <b>; rel=next', "b"],
  ["<a;b,c>; rel = next", "a;b,c"],
  ["<a>; x; rel=next", "a"],
  [", <a>; rel=next,", "a"],
  ["<>; rel=next", ""],
])("the next page of %s is %s", (header, uri) => {
  expect(nextLink(header)).toEqual({ type: "link", uri });
});

test.each(['<a>; rel="prev"', "<a>", "", "<a>; title=x", "junk"])("%s has none", (header) => {
  expect(nextLink(header)).toEqual({ type: "none" });
});

test.each([
  "a; rel=next",
  "<a; rel=next",
  '<a>; rel="next',
  "<a> rel=next",
  "<a>; rel=",
  "<a>; rel='next'",
  "<a>; title=, <b>; rel=next",
])("%s cannot be read", (header) => {
  expect(nextLink(header).type).toBe(header === "<a>; rel=" ? "none" : "unreadable");
});
