/** What an exchange is made of, and what all of them share. */
import type { Scope } from "../../core/evaluation.ts";
import type { Lane } from "../../core/lane.ts";
import type { Secrets } from "../../core/mask-secrets.ts";
import type { WaitFor } from "../../core/ports.ts";
import type { RequestTemplate } from "../../core/request-template.ts";
import type { Hidden } from "../../core/shown.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { ClientPool } from "../connect/client-pool.ts";
import type { Egress } from "../connect/egress.ts";
import type { SocketTrace } from "../connect/socket-trace.ts";
import type { Credential } from "../credentials/credential.ts";
import type { Budgets } from "../limits/budget.ts";
import type { RateTurn } from "../limits/rate-limits.ts";
import type { Place } from "../place.ts";
import type { MinimumRate } from "./reading.ts";
import type { Hop } from "./redirects.ts";

export interface SendOptions {
  readonly clients: ClientPool;
  readonly egress: Egress;
  readonly emit: EmitTelemetry;
  readonly connections: SocketTrace;
  /** Bounds the exchanges in flight to each origin, of which namespaces have shares. */
  readonly origins: Pick<Budgets, "take">;
  /** How much of a redirect's content is read so that its connection can be used again. */
  readonly redirectDrainBytes: number;
  /** Limit on the content of a response, compressed and not. */
  readonly maxResponseBytes: number;
  readonly minResponseRate?: MinimumRate;
}

export interface Sending {
  readonly first: Hop;
  /** Added to each request that is trusted with it, as it leaves. */
  readonly credential?: Credential | undefined;
  readonly template: RequestTemplate;
  readonly maxRedirects: number;
  /** For each request to the endpoint: waits for its turn. Absent: they need none. */
  readonly turn?: ((signal: AbortSignal) => Promise<RateTurn>) | undefined;
  /** Whether a request may still leave, asked as it starts on its socket. */
  readonly mayStart: () => boolean;
  /** Given what waits for a slot of an origin. */
  readonly waitFor?: WaitFor | undefined;
  /** Called when a redirect leads to another origin. */
  readonly moved?: (() => void) | undefined;
  readonly metadata: Scope["metadata"];
  readonly lane: Lane;
  /** How long a connection to the first origin may have been idle for what may not be repeated to go over it; absent: half a second. */
  readonly freshAfterMs?: number | undefined;
  /** Its endpoint, as telemetry names it. */
  readonly endpoint?: string | undefined;
  /** Where it goes, for people, worked out when somebody has to be told; absent: that is not told. */
  readonly placeNow?: (() => Place) | undefined;
  /** Masked in what may be shown of the answer. */
  readonly secrets: () => Secrets;
  /** Masked, too, though they were not sent with it. */
  readonly hidden?: Hidden | undefined;
  /** Asked before more than `smallBytes` of an answer are read. Absent: nobody needs to be. */
  readonly mayReadLong?: (signal: AbortSignal) => Promise<void>;
}
