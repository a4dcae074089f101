/** What the tests use of oidc-provider, which has no types of its own. https://github.com/panva/node-oidc-provider */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";
  export interface GrantContext {
    readonly oidc: { readonly params: Readonly<Record<string, unknown>>; readonly client: unknown };
    body: unknown;
  }
  export const errors: { readonly InvalidGrant: new (message: string) => Error };
  export class Provider {
    constructor(issuer: string, configuration: object);
    readonly ClientCredentials: {
      new (properties: { readonly client: unknown; readonly scope: string }): { save(): Promise<string> };
      find(value: string): Promise<{ readonly clientId?: string; readonly scope?: string } | undefined>;
    };
    registerGrantType(
      name: string,
      handler: (context: GrantContext) => Promise<void>,
      parameters: readonly string[],
      mayRepeat: readonly string[],
    ): void;
    callback(): RequestListener;
    on(event: string, listener: (...args: readonly unknown[]) => void): void;
  }
}
