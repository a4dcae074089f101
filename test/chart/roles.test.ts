/** Whom the chart lets do what: the controller, and people. That the controller's rights are the least is what rights.test.ts shows. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import type { PolicyRule } from "../support/chart-rights.ts";
import { createHelm, describeWithHelm, pick, podOf, type Helm } from "./helm.ts";

describeWithHelm("the chart's roles", () => {
  let helm: Helm;
  beforeAll(async () => {
    helm = await createHelm();
  });
  afterAll(async () => helm[Symbol.asyncDispose]());

  test("makes what belongs to the whole cluster only where it is asked to", async () => {
    const values = { rbac: { scope: "namespaces" }, controller: { namespace: ["team-a", "team-b"] }, crds: { install: false } };
    const manifests = await helm.render(values);
    expect(manifests.filter(({ metadata, kind }) => metadata.namespace === undefined && kind !== "Pod")).toEqual([]);
    const roles = manifests.filter(({ kind }) => kind === "Role").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(roles.toSorted()).toEqual([
      "holdfast-system/holdfast-digest-key",
      "holdfast-system/holdfast-leader-election",
      "team-a/holdfast",
      "team-a/holdfast-impersonator",
      "team-a/holdfast-output-writer",
      "team-a/holdfast-secret-reader",
      "team-a/holdfast-token-requester",
      "team-b/holdfast",
      "team-b/holdfast-impersonator",
      "team-b/holdfast-output-writer",
      "team-b/holdfast-secret-reader",
      "team-b/holdfast-token-requester",
    ]);
    expect(podOf(manifests).container.args).toContain("--namespace=team-a,team-b");
  });

  test("gives rights to provider-http's kinds, and to make what stands for them, only where they are served", async () => {
    // Those of people are others.
    const own = ["holdfast", "holdfast-cluster-kinds", "holdfast-provider-http"];
    const rulesOf = async (controller: object): Promise<readonly string[]> =>
      (await helm.render({ controller })).flatMap(({ kind, metadata, ...rest }) =>
        kind.endsWith("Role") && own.includes(metadata.name)
          ? (rest as unknown as { readonly rules: readonly PolicyRule[] }).rules.flatMap(
              ({ apiGroups = [], resources = [], verbs }) =>
                resources.flatMap((resource) =>
                  verbs.map((verb) => `${metadata.namespace ?? ""} ${verb} ${apiGroups.join()}/${resource}`),
                ),
            )
          : [],
      );
    const usual = await rulesOf({});
    expect(usual.filter((rule) => rule.includes("crossplane"))).toEqual([]);
    const lease = "crossplane-system/of-the-provider";
    for (const off of [
      { serveProviderHttp: "off" },
      { serveProviderHttp: false },
      { serveProviderHttp: "off", providerHttpLease: lease },
    ])
      expect(await rulesOf(off)).toEqual(usual);
    const more = async (controller: object): Promise<readonly string[]> => {
      const all = await rulesOf(controller);
      return all.filter((rule) => !usual.includes(rule)).toSorted();
    };
    const managed = (group: string): readonly string[] =>
      ["requests", "disposablerequests"].flatMap((kind) => [
        ...["get", "list", "watch", "patch"].map((verb) => ` ${verb} ${group}/${kind}`),
        ` patch ${group}/${kind}/status`,
      ]);
    const configs = [
      "http.crossplane.io/providerconfigs",
      "http.m.crossplane.io/providerconfigs",
      "http.m.crossplane.io/clusterproviderconfigs",
    ];
    const served = [
      ...managed("http.crossplane.io"),
      ...managed("http.m.crossplane.io"),
      ...configs.flatMap((kind) => ["get", "list", "watch"].map((verb) => ` ${verb} ${kind}`)),
      ...["create", "delete"].map((verb) => ` ${verb} holdfast.dev/httpresources`),
      ...["create", "patch"].map((verb) => ` ${verb} holdfast.dev/httprequests`),
    ];
    expect(await more({ serveProviderHttp: "annotated" })).toEqual(served.toSorted());
    const leases = ["create", "get", "patch", "watch"].map((verb) => `crossplane-system ${verb} coordination.k8s.io/leases`);
    expect(await more({ serveProviderHttp: "all", providerHttpLease: lease })).toEqual([...served, ...leases].toSorted());
    expect(await more({ serveProviderHttp: "all", providerHttpLease: "none" })).toEqual(served.toSorted());
  });

  test.each([
    ["none", []],
    [
      ["team-a", "team-b"],
      ["RoleBinding team-a", "RoleBinding team-b"],
    ],
    ["cluster", ["ClusterRoleBinding undefined"]],
  ])("lets the controller read Secrets, write outputs and act for others where it is told to: %j", async (where, bindings) => {
    const roles = [
      ["secrets", "holdfast-secret-reader", { apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
      [
        "outputs",
        "holdfast-output-writer",
        { apiGroups: [""], resources: ["secrets"], verbs: ["get", "create", "patch"] },
        { apiGroups: [""], resources: ["configmaps"], verbs: ["create", "patch"] },
      ],
      ["impersonation", "holdfast-impersonator", { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] }],
      ["tokens", "holdfast-token-requester", { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] }],
    ] as const;
    for (const [value, name, ...rules] of roles) {
      if (["impersonation", "tokens"].includes(value) && where === "cluster") continue; // which is refused
      const manifests = await helm.render({ rbac: { [value]: where } });
      const bound = manifests.filter(({ kind, metadata }) => kind.endsWith("Binding") && metadata.name.endsWith(name.slice(8)));
      expect(bound.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual(bindings);
      expect(
        manifests.filter(
          ({ kind, metadata }) => kind.endsWith("Binding") && /(reader|writer|impersonator|requester)$/.test(metadata.name),
        ),
      ).toEqual(bound);
      expect(pick(manifests, "ClusterRole", name).rules).toEqual(rules);
    }
  });

  test("has roles for people for each kind of a namespace, and none of the cluster's", async () => {
    const manifests = await helm.render();
    const plurals = definitions.filter(({ scope }) => scope === "Namespaced").map(({ plural }) => plural);
    const read = ["get", "list", "watch"];
    const write = ["create", "update", "patch", "delete", "deletecollection"];
    for (const [name, verbs] of [
      ["viewer", read],
      ["editor", [...read, ...write]],
    ] as const) {
      const [rule, ...more] = pick(manifests, "ClusterRole", `holdfast-${name}`).rules as readonly PolicyRule[];
      expect([rule?.resources?.toSorted(), rule?.verbs, more]).toEqual([plurals.toSorted(), verbs, []]);
    }
  });

  test("aggregates nothing to view and edit unless it is asked to", async () => {
    const aggregated = async (userRoles: object): Promise<readonly string[]> =>
      (await helm.render({ rbac: { userRoles } }))
        .filter(({ metadata }) => Object.keys(metadata.labels).some((label) => label.includes("aggregate-to")))
        .map(({ metadata }) => metadata.name);
    expect(await aggregated({})).toEqual([]);
    expect(await aggregated({ aggregateToView: true })).toEqual(["holdfast-viewer"]);
    expect(await aggregated({ aggregateToEdit: true })).toEqual(["holdfast-editor"]);
  });

  test("attack 5: gives no role that users have, aggregated or not, a kind that belongs to the cluster", async () => {
    const manifests = await helm.render({ rbac: { userRoles: { aggregateToView: true, aggregateToEdit: true } } });
    const ofUsers = manifests.filter(({ kind, metadata }) => kind.endsWith("Role") && /-(viewer|editor)$/.test(metadata.name));
    const resources = ofUsers.flatMap(({ rules }) => (rules as { resources: string[] }[]).flatMap((rule) => rule.resources));
    expect(new Set(resources)).toEqual(new Set(["httprequests", "httpresources", "httpendpoints"]));
  });
});
