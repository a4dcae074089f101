/** An object that nobody has looked at: what a tool that waits reads of it, and what the controller makes of that. */
import { expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { apiVersion } from "../../src/api/kind-definition.ts";
import { toResource } from "../../src/kubernetes/objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const specs: Readonly<Record<string, object>> = {
  HTTPRequest: { url: "http://127.0.0.1:9/" },
  HTTPResource: { observe: { url: "http://127.0.0.1:9/" } },
  HTTPEndpoint: { baseURL: "http://127.0.0.1:9/" },
  ClusterHTTPEndpoint: { baseURL: "http://127.0.0.1:9/", allowedNamespaces: { from: "Names", names: ["default"] } },
  EgressPolicy: { allow: [{ cidrs: ["192.0.2.0/24"] }] },
};

describeWithControlPlane("an object that nobody has looked at", (plane) => {
  test.each(definitions)("$kind: says so from its first instant, and to the controller it has no status", async (definition) => {
    const { kind, plural, scope } = definition;
    const path = `/apis/${apiVersion}/${scope === "Cluster" ? "" : "namespaces/default/"}${plural}`;
    const object = { apiVersion, kind, metadata: { name: "unseen" }, spec: specs[kind] };
    try {
      const { status: code, body } = await plane.admin("POST", path, object);
      expect({ code, body }).toMatchObject({ code: 201, body: { status: { observedGeneration: -1 } } });
      expect(toResource(body).status).toBeUndefined();
      const wiped = await plane.adminPatch(`${path}/unseen/status`, { status: { conditions: [], observedGeneration: null } });
      expect(wiped.body).toMatchObject({ status: { observedGeneration: -1 } });
      expect(toResource(wiped.body).status).toEqual({ conditions: [] });
    } finally {
      await plane.admin("DELETE", `${path}/unseen`);
    }
  });
});
