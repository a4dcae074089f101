import { describe, expect, test } from "@jest/globals";
import { network } from "../../src/core/tools/address.ts";
import { closedFloor, routeOf, type EgressFloor, type EgressRule, type EgressRules, type Route } from "../../src/core/egress.ts";
import { addressDenial } from "../../src/core/egress.ts";
import { createEgressPolicies } from "../../src/kinds/egress/policies.ts";
import type { EgressPolicySpec } from "../../src/api/egress-policy.ts";
import type { Resource } from "../../src/core/resource.ts";

const rule = (changes: Partial<EgressRule>): EgressRule => ({ name: 'EgressPolicy "p" allow[0]', ...changes });
const rules = (changes: Partial<EgressRules> = {}): EgressRules => ({
  default: "AllowPublic",
  defaultName: "--egress-default",
  allow: [],
  deny: [],
  ...changes,
});
function route(url: string, held: EgressRules = rules(), floor: EgressFloor = closedFloor, method = "GET"): Route {
  const { protocol, hostname, port } = new URL(url);
  return routeOf({ method, hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) }, held, floor);
}
const verdict = (found: Route): string => (found.type === "denied" ? found.denial.rule : "open");
/** As where the name resolves to the address. */
function reached(name: string, address: string, held: EgressRules, floor = closedFloor, method = "GET"): string {
  const found = route(`http://${name}/`, held, floor, method);
  return found.type === "denied" ? found.denial.rule : (addressDenial(address, 80, found.addresses, floor)?.rule ?? "open");
}

describe("without policies", () => {
  test.each([
    ["http://93.184.216.34/", "open"],
    ["http://[2606:2800:220:1::1]/", "open"],
    ["http://[64:ff9b::5db8:d822]/", "open"],
    ["http://10.0.0.1/", "private"],
    ["http://[fd12::1]/", "private"],
    ["http://100.64.0.1/", "private"],
    ["http://127.0.0.1/", "floor"],
    ["http://2130706433/", "floor"],
    ["http://0x7f.1/", "floor"],
    ["http://017700000001/", "floor"],
    ["http://127.1./", "floor"],
    ["http://0/", "floor"],
    ["http://①②⑦.⓪.⓪.①/", "floor"],
    ["http://169.254.169.254/", "floor"],
    ["http://[::ffff:169.254.169.254]/", "floor"],
    ["http://[::a9fe:a9fe]/", "floor"],
    ["http://[::ffff:0:a9fe:a9fe]/", "floor"],
    ["http://[64:ff9b::a9fe:a9fe]/", "floor"],
    ["http://[64:ff9b:1:a9fe:a9:fe00::]/", "floor"],
    ["http://[64:ff9b:1::a9fe:a9fe]/", "floor"],
    ["http://[2002:a9fe:a9fe::]/", "floor"],
    ["http://[2001:0:a9fe:a9fe::1]/", "floor"],
    ["http://[2001:0:101:101::5601:5601]/", "floor"],
    ["http://[2606:4700::5efe:a9fe:a9fe]/", "floor"],
    ["http://[2606:4700::200:5efe:7f00:1]/", "floor"],
    ["http://[::ffff:10.0.0.1]/", "private"],
    ["http://[fd00:ec2::254]/", "floor"],
    ["http://100.100.100.200/", "floor"],
    ["http://localhost/", "floor"],
    ["http://x.LOCALHOST./", "floor"],
    ["http://224.0.0.1/", "floor"],
    ["http://[ff02::1]/", "floor"],
    ["http://255.255.255.255/", "floor"],
    ["http://[fe80::1]/", "floor"],
    ["http://example.com:25/", "port"],
    ["http://example.com:8443/", "open"],
  ])("%s is %s", (url, expected) => expect(verdict(route(url))).toBe(expected));

  test.each(["fe80::1%eth0", "::1%lo", "::ffff:7f00:1%2", "not an address", ""])("a socket to %j is refused", (address) =>
    expect(reached("a.example", address, rules())).toBe("floor"),
  );
  test("the default is what is asked for where that is Deny", () =>
    expect(verdict(route("http://example.com/", rules({ default: "Deny" })))).toBe("default"));
  test("on one's own machine private addresses are open, and metadata is not", () => {
    const own = { opened: [network("127.0.0.0/8")] };
    expect(
      [
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
      ].map((url) => verdict(route(url, rules({ default: "AllowPrivate" }), own))),
    ).toEqual(["open", "open", "floor", "floor", "floor"]);
  });
  test.each([
    ["http://localhost/", "loopback"],
    ["http://127.0.0.1/", "loopback"],
    ["http://[64:ff9b::7f00:1]/", "loopback"],
    ["http://0/", "unspecified"],
    ["http://169.254.169.254/", "link-local and metadata"],
    ["http://[2002:a9fe:a9fe::]/", "link-local and metadata"],
    ["http://[fe80::1]/", "link-local"],
    ["http://[fd00:ec2::254]/", "metadata"],
    ["http://[ff02::1]/", "multicast"],
    ["http://255.255.255.255/", "broadcast"],
  ])("of the floor only what was met is named: %s", (url, name) => {
    const opened = name === "loopback" ? [] : ["127.0.0.0/8", "::1/128"].map(network);
    expect(route(url, rules(), { opened })).toMatchObject({
      denial: { message: `${name} addresses are reached by nobody's requests` },
    });
  });
});

describe("rules", () => {
  test("one that denies wins over one that allows, in whatever policy each is", () => {
    const held = rules({ allow: [rule({ hosts: ["*.example.com"] })], deny: [rule({ hosts: ["evil.example.com"] })] });
    expect(verdict(route("https://good.example.com/", { ...held, default: "Deny" }))).toBe("open");
    expect(verdict(route("https://EVIL.example.com../", held))).toBe("policy");
    expect(verdict(route("https://example.com/", { ...held, default: "Deny" }))).toBe("default");
  });
  test("what is set must all match: host, port, method", () => {
    const held = rules({ default: "Deny", allow: [rule({ hosts: ["a.example"], ports: [443], methods: ["GET"] })] });
    expect(verdict(route("https://a.example/", held))).toBe("open");
    expect(verdict(route("https://a.example:444/", held))).toBe("default");
    expect(verdict(route("https://a.example/", held, closedFloor, "POST"))).toBe("default");
  });
  test("a host alone opens no private address: that takes networks, or a Service", () => {
    expect(reached("a.example", "10.1.2.3", rules({ allow: [rule({ hosts: ["a.example"] })] }))).toBe("private");
    const both = rules({ allow: [rule({ hosts: ["a.example"], networks: [network("10.0.0.0/8")] })] });
    expect(reached("a.example", "10.1.2.3", both)).toBe("open");
    expect(reached("a.example", "::ffff:10.1.2.3", both)).toBe("open");
    expect(reached("b.example", "10.1.2.3", both)).toBe("private");
    expect(reached("a.example", "172.16.0.1", both)).toBe("private");
    const service = rules({ default: "Deny", allow: [rule({ serviceHosts: ["db.data.svc"] })] });
    expect(reached("db.data.svc", "10.96.0.7", service)).toBe("open");
    expect(reached("db.data.svc", "127.0.0.1", service)).toBe("floor");
  });
  test("no network opens the floor, in any form", () => {
    const all = rules({ allow: [rule({ networks: [network("0.0.0.0/0"), network("::/0")] })] });
    for (const address of ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"])
      expect(reached("a.example", address, all)).toBe("floor");
    expect(reached("a.example", "10.0.0.1", all)).toBe("open");
    expect(reached("a.example", "64:ff9b::a00:1", all)).toBe("open");
  });
  test("a network that is denied is denied in every form, and for one method only where the rule says so", () => {
    const held = rules({ deny: [rule({ networks: [network("93.184.0.0/16")], methods: ["POST"] })] });
    for (const address of ["93.184.216.34", "::ffff:5db8:d822", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]) {
      expect(reached("a.example", address, held, closedFloor, "POST")).toBe("policy");
      expect(reached("a.example", address, held)).toBe("open");
    }
  });
  test("a port of another protocol is open where a rule lists it", () => {
    expect(verdict(route("http://a.example:6000/", rules({ allow: [rule({ hosts: ["a.example"] })] })))).toBe("port");
    expect(verdict(route("http://a.example:6000/", rules({ allow: [rule({ hosts: ["a.example"], ports: [6000] })] })))).toBe(
      "open",
    );
  });
});

describe("the API server", () => {
  const apiServer = { names: ["api.example", "kubernetes.default.svc"], port: 6443, addresses: () => [[34, 1, 2, 3]] };
  test("is closed by name and by address, whatever the port", () => {
    const floor = { opened: [], apiServer };
    for (const url of [
      "https://api.example/",
      "https://kubernetes.default.svc./",
      "https://34.1.2.3:8443/",
      "https://[::ffff:34.1.2.3]/",
    ])
      expect(verdict(route(url, rules(), floor))).toBe("floor");
    expect(reached("a.example", "34.1.2.3", rules(), floor)).toBe("floor");
  });
  test("on loopback is told of where it is asked, and what else is there is loopback's", () => {
    const [apiText, loopbackText] = ["the Kubernetes API server is", "loopback addresses are"];
    for (const [name, bytes] of [
      ["127.0.0.1", [127, 0, 0, 1]],
      ["localhost", [127, 0, 0, 1]],
    ] as const) {
      const floor = {
        opened: [],
        apiServer: { names: [name].filter((one) => one === "localhost"), port: 36_443, addresses: () => [bytes] },
      };
      const of = (url: string): unknown => route(url, rules(), floor);
      const denied = (text: string): object => ({ denial: { message: `${text} reached by nobody's requests` } });
      expect(of(`http://${name}:28090/`)).toMatchObject(denied(loopbackText));
      expect(of(`https://${name}:36443/`)).toMatchObject(denied(apiText));
    }
    const opened = [network("127.0.0.0/8")];
    const floor = { opened, apiServer: { names: [], port: 36_443, addresses: () => [[127, 0, 0, 1]] } };
    expect(verdict(route("http://127.0.0.1:28090/", rules(), floor))).toBe("open");
    expect(verdict(route("http://127.0.0.1:36443/", rules(), floor))).toBe("floor");
  });
  test("is closed by its port where its address has been opened", () => {
    const floor = { opened: [network("34.0.0.0/8")], apiServer };
    expect(verdict(route("https://34.1.2.3:6443/", rules(), floor))).toBe("floor");
    expect(verdict(route("https://34.1.2.3:8443/", rules(), floor))).toBe("open");
  });
});

describe("policies", () => {
  let generation = 0;
  const policy = (name: string, spec: EgressPolicySpec): Resource => ({
    metadata: { name, namespace: "", uid: name, generation: (generation += 1), resourceVersion: "1" },
    spec,
  });
  const namespace = (name: string, labels: Record<string, string>): Resource => ({
    metadata: { name, namespace: "", uid: name, generation: 0, resourceVersion: "1", labels },
    spec: {},
  });
  const policies = () => createEgressPolicies({ default: "AllowPublic", clusterDomain: "cluster.local" });

  test("speak of the namespaces that their selectors choose, from the moment at which either changes", () => {
    const held = policies();
    expect(held.rulesFor("a")?.default).toBe("AllowPublic");
    held.observe("EgressPolicy", "p", policy("p", { default: "Deny", namespaceSelector: { matchLabels: { tier: "low" } } }));
    expect(held.rulesFor("a")).toBeUndefined(); // its labels are not known
    held.observe("Namespace", "a", namespace("a", { tier: "low" }));
    expect(held.rulesFor("a")).toMatchObject({ default: "Deny", defaultName: 'EgressPolicy "p"' });
    expect(held.rulesFor("a")).toBe(held.rulesFor("a"));
    held.observe("Namespace", "a", namespace("a", { tier: "high" }));
    expect(held.rulesFor("a")?.default).toBe("AllowPublic");
    held.observe("EgressPolicy", "q", policy("q", { default: "AllowPublic" }));
    held.observe("EgressPolicy", "r", policy("r", { default: "Deny" }));
    expect(held.rulesFor("a")?.default).toBe("Deny");
    held.observe("EgressPolicy", "r", undefined);
    expect(held.rulesFor("a")?.default).toBe("AllowPublic");
  });
  test("name Services by the names that the cluster's DNS answers for, and by no others", () => {
    const held = policies();
    held.observe("Namespace", "a", namespace("a", {}));
    held.observe("EgressPolicy", "p", policy("p", { allow: [{ services: [{ namespace: "data", name: "db" }] }] }));
    const found = held.rulesFor("a") ?? rules();
    for (const name of ["db.data.svc", "db.data.svc.cluster.local", "db.data.svc.cluster.local."])
      expect(reached(name, "10.96.0.7", found)).toBe("open");
    for (const name of ["db.data", "x.data.svc", "db.data.svc.evil.example", "db.data.svc.cluster.local.evil.example"])
      expect(reached(name, "10.96.0.7", found)).toBe("private");
  });
  test("with a network that cannot be read open nothing, and close all else that the rule names", () => {
    const held = policies();
    held.observe("Namespace", "a", namespace("a", {}));
    const cidrs = ["1:2:3::4::5/8"];
    held.observe(
      "EgressPolicy",
      "p",
      policy("p", { default: "Deny", allow: [{ hosts: ["a.example"], cidrs }], deny: [{ hosts: ["b.example"], cidrs }] }),
    );
    const found = { ...(held.rulesFor("a") ?? rules()), default: "AllowPublic" as const };
    expect(reached("a.example", "10.0.0.1", found)).toBe("private");
    expect(verdict(route("http://b.example/", found))).toBe("policy");
  });
});
