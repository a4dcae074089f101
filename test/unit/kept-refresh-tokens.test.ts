/** Which refresh token is presented where a Secret keeps what the server gave in the declared one's place. */
import { expect, test } from "@jest/globals";
import type { KeptToken, RefreshTokenKeeper } from "../../src/core/auth.ts";
import { secretType } from "../../src/core/resource.ts";
import { createRefreshTokens } from "../../src/http/credentials/refresh-tokens.ts";

const metadata = { name: "e", namespace: "n", uid: "u", generation: 1, resourceVersion: "1" };
const keep: KeptToken = {
  owner: { type: secretType, metadata },
  object: { field: "refreshToken.keepIn", type: secretType, name: "kept", labels: {}, annotations: {} },
};
const grant = { type: "refreshToken", token: "declared", keep } as const;
const never = new AbortController().signal;

/** `secret.token`: what the Secret holds; undefined: it is not there. */
function world(before?: string) {
  const secret = { token: before };
  const keeper: RefreshTokenKeeper = {
    check: () => Promise.resolve(undefined),
    load: () => Promise.resolve(secret.token),
    save(_at, { token }) {
      secret.token = token;
      return Promise.resolve(undefined);
    },
  };
  const tokens = createRefreshTokens(keeper);
  return { secret, tokens, current: () => tokens.current("e", grant, never) };
}

test("a Secret that goes before its endpoint takes no grant with it", async () => {
  const loaded = world("from before");
  expect(await loaded.current()).toBe("from before");
  loaded.secret.token = undefined;
  expect(await loaded.current()).toBe("from before");

  const saved = world();
  expect(await saved.current()).toBe("declared");
  await saved.tokens.replaced("e", grant, "second", never);
  saved.secret.token = undefined;
  expect(await saved.current()).toBe("second");
});
test("what the Secret holds counts before what is remembered, and what is refused is remembered no more", async () => {
  const { secret, tokens, current } = world("first");
  expect(await current()).toBe("first");
  secret.token = "by another process";
  expect(await current()).toBe("by another process");
  secret.token = undefined;
  tokens.refused("e", grant, "by another process");
  expect(await current()).toBe("declared");
  tokens.refused("e", grant, "declared");
  expect(await current()).toBe("declared");
});
