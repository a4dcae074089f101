/** Who may read the metrics, as the settings have it. */
import type { ControllerSettings } from "../config.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createAccessReview } from "../kubernetes/access-review.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { certificatesFrom } from "../telemetry/certificates.ts";
import type { Guard } from "../telemetry/server.ts";

/** Undefined: everybody. Throws for a certificate without its key, or a key without its certificate. */
export function guardFor(
  settings: ControllerSettings,
  { client, emit }: { readonly client: ApiClient; readonly emit: EmitTelemetry },
): Guard | undefined {
  if (!settings.metricsSecure) return undefined;
  const { metricsCertFile: cert, metricsKeyFile: key } = settings;
  if ((cert === undefined) !== (key === undefined)) throw new Error("--metrics-cert-file and --metrics-key-file go together");
  const files = cert === undefined || key === undefined ? undefined : { cert, key };
  return { certificates: certificatesFrom(files, emit), access: createAccessReview(client) };
}
