/** HTTPRequests that tests put on a control plane as its administrator. */
import { group } from "../../src/api/kind-definition.ts";
import type { Metadata, ResourceType } from "../../src/core/resource.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";

export const requestType: ResourceType = { group, version: "v1alpha1", kind: "HTTPRequest", plural: "httprequests" };

export interface RequestObject {
  readonly metadata: Metadata;
  readonly spec: unknown;
  readonly status?: object;
}
export interface RequestObjects {
  create(name: string, spec?: object): Promise<RequestObject>;
  /** Many at once, named `many-0` and so on. */
  createMany(count: number): Promise<void>;
  get(name: string): Promise<RequestObject>;
  /** JSON merge patch of the object. */
  patch(name: string, patch: object): Promise<RequestObject>;
  /** JSON merge patch of the status. */
  patchStatus(name: string, status: object): Promise<RequestObject>;
  delete(name: string): Promise<void>;
}

export function requestObjects(plane: ControlPlaneClient, namespace: string): RequestObjects {
  const collection = `/apis/${group}/v1alpha1/namespaces/${namespace}/httprequests`;
  async function done(reply: Promise<{ readonly status: number; readonly body: unknown }>): Promise<RequestObject> {
    const { status, body } = await reply;
    if (status >= 300) throw new Error(`the API server answered ${status}: ${JSON.stringify(body)}`);
    return body as RequestObject;
  }
  function create(name: string, spec: object = {}): Promise<RequestObject> {
    const object = {
      apiVersion: `${group}/v1alpha1`,
      kind: "HTTPRequest",
      metadata: { name },
      spec: { url: "http://127.0.0.1:1/", ...spec },
    };
    return done(plane.admin("POST", collection, object));
  }
  return {
    create,
    async createMany(count) {
      const names = Array.from({ length: count }, (_, index) => `many-${index}`).values();
      const worker = async (): Promise<void> => {
        for (const name of names) await create(name);
      };
      await Promise.all(Array.from({ length: 20 }, worker));
    },
    get: (name) => done(plane.admin("GET", `${collection}/${name}`)),
    patch: (name, patch) => done(plane.adminPatch(`${collection}/${name}`, patch)),
    patchStatus: (name, status) => done(plane.adminPatch(`${collection}/${name}/status`, { status })),
    async delete(name) {
      await done(plane.admin("DELETE", `${collection}/${name}`));
    },
  };
}
