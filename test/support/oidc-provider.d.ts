/** What the tests use of oidc-provider, which has no types of its own. https://github.com/panva/node-oidc-provider */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";
  export class Provider {
    constructor(issuer: string, configuration: object);
    readonly ClientCredentials: {
      find(value: string): Promise<{ readonly clientId?: string; readonly scope?: string } | undefined>;
    };
    callback(): RequestListener;
    on(event: string, listener: (...args: readonly unknown[]) => void): void;
  }
}
