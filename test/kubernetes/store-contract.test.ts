/** The contract of stores, on the real API server, as the controller's own user. */
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore } from "../../src/kubernetes/store.ts";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { storeContract, type StoreUnderTest } from "../support/store-contract.ts";

async function kubernetesStore(plane: ControlPlaneClient): Promise<StoreUnderTest> {
  await using opened = new AsyncDisposableStack();
  const namespace = await plane.createNamespace("contract");
  const emit = (): void => {};
  const loadController = () => loadKubeConfig(plane.kubeconfigs.holdfast);
  const client = opened.use(createApiClient({ loadKubeConfig: loadController, emit }));
  const store = createKubernetesStore({ client, emit, namespaces: [namespace] });
  const running = opened.move();

  /** Server-side apply keeps integers and nulls as they are. */
  async function apply(apiVersion: string, kind: string, metadata: object, rest: object): Promise<void> {
    await plane.apply(JSON.stringify({ apiVersion, kind, metadata: { ...metadata, namespace }, ...rest }));
  }
  async function remove(path: string): Promise<void> {
    const { status } = await plane.admin("DELETE", path);
    if (status !== 200) throw new Error(`DELETE ${path} answered ${status}`);
  }
  return {
    store,
    namespace,
    applyRequest: (name, spec, annotations) =>
      apply("holdfast.dev/v1alpha1", "HTTPRequest", { name, ...(annotations ? { annotations } : {}) }, { spec }),
    deleteRequest: (name) => remove(`/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests/${name}`),
    async applyData(kind, name, data) {
      const entries = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
      const values = Object.fromEntries(entries) as object;
      await apply("v1", kind, { name }, kind === "Secret" ? { data: values } : { binaryData: values });
    },
    deleteData: (kind, name) => remove(`/api/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

describeWithControlPlane("a Kubernetes store", (plane) => {
  storeContract("kubernetes", () => kubernetesStore(plane), { recreated: "anotherObject" });
});
