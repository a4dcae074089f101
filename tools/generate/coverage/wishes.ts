/** What people ask of a tool of this kind, and mistakes that were seen in others, each with where the answer is described. */
export interface Wish {
  readonly text: string;
  /** The feature, as Markdown; links are relative to docs/. */
  readonly feature: string;
}

/** From the most asked. Number 1 is the first. */
export const wishes: readonly Wish[] = [
  { text: "Identity survives a bad answer", feature: "[`HTTPResource`](api/httpresource.md): `externalID` is taken once; a 401 or 5xx is neither drift nor absence" },
  { text: "Credentials that renew themselves", feature: "[`HTTPEndpoint`](api/httpendpoint.md): `auth`, one shared token for an endpoint" },
  { text: "429 and Retry-After, back-off with jitter", feature: "[Retries](delivery.md)" },
  { text: "An interval that survives restarts", feature: "[`HTTPRequest`](api/httprequest.md): `schedule`; [`HTTPResource`](api/httpresource.md): `interval`" },
  { text: "Long-running operations", feature: "`poll`, of [`HTTPRequest`](api/httprequest.md) and of create, update and delete of [`HTTPResource`](api/httpresource.md)" },
  { text: "Adopt what exists", feature: "[`HTTPResource`](api/httpresource.md): `lookup`, and the annotation `holdfast.dev/external-id`" },
  { text: "Deletion that ends", feature: "[`HTTPResource`](api/httpresource.md): `delete`, `deletionPolicy`, the annotation `holdfast.dev/orphan`" },
  { text: "Ready only when it is", feature: "Conditions by kstatus, for requests, resources and endpoints" },
  { text: "Schedules that hold", feature: "[`HTTPRequest`](api/httprequest.md): `schedule`, each tick once" },
  { text: "No secret in a status, log or event", feature: "`record`, redaction, [a second line for the log](threat-model.md#further-threats)" },
  { text: "Output Secrets that follow the spec, and never lose a key", feature: "[`HTTPRequest`](api/httprequest.md): `outputs`" },
  { text: "Own CA and client certificates, rotated without a restart", feature: "[The client Map](http-client.md), metadata watches of what is referred to" },
  { text: "Tenants apart", feature: "References stay in their namespace; `serviceAccountName`; [`ClusterHTTPEndpoint`](api/clusterhttpendpoint.md)" },
  { text: "A guard against SSRF", feature: "[Egress](egress.md)" },
  { text: "Never stuck after a crash, never doubled by one", feature: "[What is sent how often](delivery.md)" },
  { text: "Arrays, text, non-JSON; exact integers", feature: "[Bodies and values](guide/say-what-to-send.md)" },
  { text: "Form, multipart and file bodies", feature: "[`HTTPRequest`](api/httprequest.md): `body`" },
  { text: "Inputs in URL and query", feature: "Expressions, percent-encoded as one segment or value" },
  { text: "Drift: what the server adds is ignored, PATCH of what changed, the difference shown", feature: "[`HTTPResource`](api/httpresource.md): `upToDate`, `update.body.mergePatch`, `drift`, the condition `Drifted`" },
  { text: "Identity from a Location header, a list, behind pagination", feature: "[`HTTPResource`](api/httpresource.md): `externalID`, `lookup`" },
  { text: "Metrics of requests, probes", feature: "[Metrics](metrics.md)" },
  { text: "One slow host must not stop the others", feature: "[Budgets](http-client.md#limits), `rateLimit` and `circuitBreaker` of [`HTTPEndpoint`](api/httpendpoint.md)" },
  { text: "A proxy per configuration", feature: "[`HTTPEndpoint`](api/httpendpoint.md): `proxy`" },
  { text: "A dry run", feature: "`holdfast render`" },
  { text: "A token or session from a login of any shape, shared, renewed when it is refused", feature: "[`HTTPEndpoint`](api/httpendpoint.md): [`auth.login`](guide/log-in.md)" },
  { text: "To hear that something failed, and why", feature: "[`HTTPRequest`](api/httprequest.md): `trigger`" },
  { text: "Signed webhooks", feature: "`sign`, of [`HTTPRequest`](api/httprequest.md) and [`HTTPEndpoint`](api/httpendpoint.md)" },
  { text: "Tokens without a static secret: token exchange, workload identity, signed assertions", feature: "[`HTTPEndpoint`](api/httpendpoint.md): [`auth.oauth2`](guide/get-tokens-without-a-password.md)" },
  { text: "Digest, and the challenges of registries", feature: "[`HTTPEndpoint`](api/httpendpoint.md): `auth.digest`, `auth.registry`; [challenges](http-client.md#challenges)" },
  { text: "A request at a given time, a fleet that is spread, a schedule that ends", feature: "[`HTTPRequest`](api/httprequest.md): `schedule.at`, `schedule.window`, `schedule.stopAfter`" },
  { text: "To stop all that goes to a server, or have it one after the other", feature: "[`HTTPEndpoint`](api/httpendpoint.md): `suspend`, `maxInFlight`" },
  { text: "To send again what failed, all at once and paced", feature: "[`holdfast resend`](guide/tell-how-it-ended.md#send-again-what-failed)" },
  { text: "Hashes and HMACs where a value needs them", feature: "[Expressions](guide/say-what-to-send.md#what-expressions-see): `sha256`, `digest`, `hmac`, `base64url`" },
  { text: "To find a request in a server's traces and logs, and CloudEvents", feature: "[`HTTPEndpoint`](api/httpendpoint.md): `traceContext`; [`.attemptID`](guide/send-cloudevents.md)" },
];

export const mistakes: readonly Wish[] = [
  { text: "A 429 or 5xx to observe taken for drift", feature: "An observation is found, absent or unknown; unknown changes nothing" },
  { text: "A connection error taken for “does not exist”", feature: "The same" },
  { text: "Expressions expanded in text that the server sent", feature: "What a server sent is data" },
  { text: "A header value such as `2022-11-28` evaluated", feature: "Expressions stand in `${ … }` only" },
  { text: "One endless jq program stops every other", feature: "[Worker threads with a deadline](adr/0002-jq-in-worker-threads.md)" },
  { text: "Response bodies without limit", feature: "`--max-response-bytes`, `record` cut at 16 KiB" },
  { text: "A missing key sent as an empty credential", feature: "`KeyNotFound`: nothing is sent" },
  { text: "Defaults written into the user's spec", feature: "Nothing but statuses and a finalizer is written" },
];
