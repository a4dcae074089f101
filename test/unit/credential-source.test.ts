import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { KubeConfig, type User } from "@kubernetes/client-node";
import { createCredentialSource } from "../../src/kubernetes/credentials.ts";

function configOf(user: Omit<User, "name">): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server: "https://127.0.0.1:1", skipTLSVerify: false }, { name: "u", ...user });
  return config;
}

describe("the credentials of a kubeconfig", () => {
  afterEach(() => void jest.restoreAllMocks());

  test("are read once for all calls of a second", async () => {
    const source = createCredentialSource(() => configOf({ token: "one" }), 0);
    const now = jest.spyOn(performance, "now").mockReturnValue(1_000);
    expect(source.kept()).toBeUndefined();
    const read = await source.current();
    expect(read.headers).toEqual({ authorization: "Bearer one" });
    now.mockReturnValue(1_999);
    expect(source.kept()).toBe(read);
    now.mockReturnValue(2_001);
    expect(source.kept()).toBeUndefined();
  });

  test("are read anew when the server has not accepted them", async () => {
    let token = "one";
    const source = createCredentialSource(() => configOf({ token }), 0);
    await source.current();
    token = "two";
    source.rejected();
    expect(source.kept()).toBeUndefined();
    expect((await source.current()).headers).toEqual({ authorization: "Bearer two" });
  });

  test("that were being read when the server refused those before are not kept", async () => {
    let token = "one";
    const source = createCredentialSource(() => configOf({ token }), 0);
    const reading = source.current();
    token = "two";
    source.rejected();
    await reading;
    expect(source.kept()).toBeUndefined();
  });

  test("of a plugin are never kept here, since it alone knows how long they last", async () => {
    const config = configOf({ authProvider: { name: "plugin" } });
    config.addAuthenticator({ isAuthProvider: () => true, applyAuthentication: async () => {} });
    const source = createCredentialSource(() => config, 0);
    await source.current();
    expect(source.kept()).toBeUndefined();
  });
});
