import { describe, expect, test } from "@jest/globals";
import { environmentProxies, type Environment } from "../../src/http/connect/environment-proxies.ts";

const proxy = "http://proxy.example:3128";
const isProxied = (noProxy: string, origin: string): boolean =>
  environmentProxies({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: noProxy })(origin) !== undefined;

test("each scheme has its own variable, and a name in lower case wins", () => {
  const chosen = (environment: Environment): unknown =>
    ["http://h", "https://h"].map((origin) => environmentProxies(environment)(origin));
  expect(chosen({})).toEqual([undefined, undefined]);
  expect(chosen({ HTTP_PROXY: "http://a" })).toEqual(["http://a/", undefined]);
  expect(chosen({ HTTPS_PROXY: "http://b" })).toEqual([undefined, "http://b/"]);
  expect(chosen({ HTTP_PROXY: "http://a", http_proxy: "http://c", https_proxy: "https://d:1" })).toEqual([
    "http://c/",
    "https://d:1/",
  ]);
  expect(chosen({ HTTP_PROXY: "http://a", http_proxy: "", no_proxy: "" })).toEqual(["http://a/", undefined]);
  expect(chosen({ HTTP_PROXY: "http://a", HTTPS_PROXY: "http://a", NO_PROXY: "x", no_proxy: "h" })).toEqual([
    undefined,
    undefined,
  ]);
  expect(chosen({ HTTP_PROXY: "proxy.example:3128" })).toEqual([`${proxy}/`, undefined]);
});

describe("NO_PROXY excepts", () => {
  test.each([
    ["everything with an asterisk", "*", "https://anything.example", false],
    ["everything, wherever the asterisk stands", "other.example, *", "http://anything.example", false],
    ["a name", "api.example", "https://api.example:8443", false],
    ["a name whatever its case and final dot", "API.Example", "http://api.example.", false],
    ["what is below a name", "example.com", "http://a.b.example.com", false],
    ["the name itself too, with a dot before it", ".example.com", "http://example.com", false],
    ["only what is below a name, with an asterisk before it", "*.example.com", "http://a.example.com", false],
    ["but then not the name", "*.example.com", "http://example.com", true],
    ["but no name that only ends alike", "example.com", "http://badexample.com", true],
    ["one port of a name", "api.example:8080", "http://api.example:8080", false],
    ["but no other", "api.example:8080", "http://api.example:8081", true],
    ["a scheme's own port", "api.example:443", "https://api.example", false],
    ["an address", "10.1.2.3", "http://10.1.2.3:9000", false],
    ["but no other address", "10.1.2.3", "http://10.1.2.30", true],
    ["one port of an address", "10.1.2.3:80", "http://10.1.2.3", false],
    ["but not another", "10.1.2.3:80", "https://10.1.2.3", true],
    ["an address however it is written", "127.0.0.1", "http://0x7f.1", false],
    ["an address of version 6", "::1", "http://[::1]:8080", false],
    ["one with brackets and a port", "[fd00::1]:8080", "http://[fd00:0:0::1]:8080", false],
    ["but no other port", "[fd00::1]:8080", "http://[fd00::1]", true],
    ["a network", "10.0.0.0/8", "https://10.200.3.4", false],
    ["but no address outside", "10.0.0.0/8", "https://11.0.0.1", true],
    ["and no name, which nobody resolves for it", "0.0.0.0/0", "https://api.example", true],
    ["a network of version 6", "fd00::/8", "http://[fd12::1]", false],
    ["an address inside one of version 6", "10.0.0.0/8", "http://[::ffff:10.0.0.1]", false],
    ["whatever is in a list with spaces and commas", " a.example ,b.example\tc.example,", "http://c.example", false],
    ["but nothing when it is empty", " , ", "http://a.example", true],
  ])("%s", (_name, noProxy, origin, proxied) => {
    expect(isProxied(noProxy, origin)).toBe(proxied);
  });
});

test("what is no proxy or no network is refused, and no password is shown", () => {
  for (const url of [
    "socks5://user:hunter2@h:1",
    "http://user:hunter2@",
    "http://user:hunter2@h/path",
    "ftp://user:hunter2@h",
    "http://user:hunter2%zz@h",
    "http://user:hunter2%ff@h",
    "http://user:hunter2@h:99999",
  ])
    expect(() => environmentProxies({ https_proxy: url })).toThrow(
      /^HTTPS_PROXY: a proxy's URL is http:\/\/ or https:\/\/, perhaps user:password@, a host and a port/,
    );
  for (const network of ["10.0.0.0/33", "10.0.0/8", "fd00::/129", "http://internal/", "10.0.0.0/x"])
    expect(() => environmentProxies({ NO_PROXY: `a,${network}` })).toThrow(`NO_PROXY: "${network}" is no network`);
});
