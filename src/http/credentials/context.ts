/** For what a credential is made, and how its makers send requests of their own. */
import type { EndpointTraits } from "../../core/connection.ts";
import type { Holding } from "../limits/memory-shares.ts";
import type { ClientSettings } from "../connect/client-settings.ts";
import type { SendRequest } from "./oauth2.ts";

export interface CredentialContext {
  readonly endpoint: EndpointTraits;
  /** How the endpoint's own requests connect. */
  readonly settings: ClientSettings;
  /** Whether a request may still leave, asked as it starts on its socket. */
  readonly mayStart: () => boolean;
}
export interface TokenContext extends CredentialContext {
  /** What is held for it until it has ended. */
  readonly holding: Holding;
}
export interface TokenRequests {
  readonly userAgent: string;
  /** Sends a request for a token. */
  readonly sendFor: (context: TokenContext) => SendRequest;
  /** Is told each token, and the namespace of its endpoint. */
  readonly onSecret: (value: string, namespace: string) => void;
}
