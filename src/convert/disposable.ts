/** A DisposableRequest, which is sent until it has been answered as expected, as an HTTPRequest. */
import { retryReasons } from "../api/retry.ts";
import { cutOff } from "../core/answered-status.ts";
import { finalStatuses, pollOf } from "./async.ts";
import { createWrapper } from "./wrapper.ts";
import { authorizes } from "./connection.ts";
import { headerTexts } from "./headers.ts";
import { jsonBody } from "./idiomatic.ts";
import { outputsOf } from "./outputs.ts";
import { overAnswer } from "./over-answer.ts";
import type { PeerDisposable } from "./peer-object.ts";
import type { DisposableParameters } from "./peer-schema.ts";
import { stringOf, templateOf } from "./pieces.ts";
import { contentType } from "./render.ts";
import { redirectsOf, timeoutOf } from "./request.ts";
import { durationHere } from "./root.ts";
import type { Translating } from "./translation.ts";

type Spec = Readonly<Record<string, unknown>>;
type OfDisposable = Translating & { readonly object: PeerDisposable };

export async function requestSpec(one: OfDisposable): Promise<Spec> {
  const { object, findings, inputs } = one;
  const { forProvider: parameters } = object.spec;
  const { credential, tls } = one.connection;
  const url = inputs.pieces(parameters.url);
  const headers = headerTexts(parameters.headers, "headers", findings).map(({ name, text }) => ({
    name,
    value: templateOf(inputs.pieces(text)),
  }));
  if (credential && !authorizes(parameters.headers))
    headers.push({ name: "Authorization", value: `\${ ${inputs.path(credential)} }` });
  const body = bodyOf(parameters.body, one);
  if (body && !headers.some(({ name }) => name.toLowerCase() === "content-type"))
    findings.add("INFO", "body", `no Content-Type went with it there; ${contentType(body)} does here`);
  const polling = object.async ? parameters.polling : undefined;
  const { expectedResponse = "" } = parameters;
  const expected = expectedResponse === "" ? undefined : overAnswer(expectedResponse);
  const outputs = await outputsOf(one);
  const [tries, final] = [triesOf(parameters, one), await finalStatuses(object, one)];
  if (fetchesToken(parameters, outputs))
    findings.add("INFO", "forProvider", "it fetches a token: auth.oauth2 of an HTTPEndpoint does that, and renews it in time");
  const declared = inputs.declared();
  return {
    url: url.some(({ type }) => type === "expression") ? `\${ ${stringOf(url)} }` : templateOf(url),
    method: parameters.method,
    ...(headers.length > 0 && { headers }),
    ...(body && { body }),
    ...(polling && {
      poll: pollOf(polling, "polling", {
        wrapper: createWrapper({}, inputs),
        findings,
        ...(expected !== undefined && { expected }),
      }),
    }),
    expect: {
      status: ["200-399", ...new Set((parameters.allowedStatusCodes ?? []).filter((code) => code >= 400).map(String))],
      ...(expected !== undefined && !polling && { that: expected }),
    },
    ...tries,
    ...(final && { retry: { ...tries.retry, never: final } }),
    ...(one.choices.atLeastOnce && isUnsafe(parameters) && { onUnknown: "Resend" }),
    timeout: timeoutOf(parameters.waitTimeout, one),
    ...redirectsOf(one),
    ...(tls && { tls }),
    ...(Object.keys(declared).length > 0 && { inputs: declared }),
    ...(outputs.length > 0 && { outputs }),
  };
}

function bodyOf(text: string | undefined, { choices, inputs, findings }: OfDisposable): object | undefined {
  if (text === undefined || text === "") return undefined;
  const json = choices.idiomatic ? jsonBody(text, inputs, findings) : undefined;
  return json === undefined ? { text: templateOf(inputs.pieces(text)) } : { json };
}

function isUnsafe({ method }: DisposableParameters): boolean {
  return method === "POST" || method === "PATCH";
}
function fetchesToken({ body = "", url, shouldLoopInfinitely }: DisposableParameters, outputs: readonly unknown[]): boolean {
  return shouldLoopInfinitely === true && outputs.length > 0 && /grant_type/.test(body + url);
}

/** Most that can be declared here. */
const mostRetries = 100;

/** There whatever failed was tried again. */
const everyFailure = ["4xx", "5xx", ...retryReasons];

/** Whether it is sent no more once that has succeeded: one that loops, too, where it has a limit and no pause. */
export function endsWithSuccess({
  shouldLoopInfinitely: loops = false,
  rollbackRetriesLimit: limit,
  nextReconcile = "",
}: DisposableParameters): boolean {
  return !loops || (limit !== undefined && durationHere(nextReconcile) === undefined);
}

/** How often it is sent, and when. */
function triesOf(parameters: DisposableParameters, { findings, choices }: OfDisposable): Spec & { readonly retry: object } {
  const {
    rollbackRetriesLimit: limit,
    shouldLoopInfinitely: loops = false,
    nextReconcile,
    expectedResponse,
    method,
  } = parameters;
  const pause = nextReconcile === undefined ? undefined : durationHere(nextReconcile);
  if (nextReconcile !== undefined && pause === undefined)
    findings.add("CHANGE", "nextReconcile", "it is no duration that can be written here, and is left out");
  if (limit === 0) findings.add("CHANGE", "rollbackRetriesLimit", "with 0 it was never sent there: here it is suspended");
  if (limit === undefined)
    findings.add(
      "CHANGE",
      "rollbackRetriesLimit",
      `without one it was sent for ever; here it is sent ${mostRetries + 1} times at most`,
    );
  if (limit !== undefined && limit - 1 > mostRetries && !(loops && pause !== undefined))
    findings.add("CHANGE", "rollbackRetriesLimit", `it is sent ${mostRetries + 1} times at most`);
  if (isUnsafe(parameters) && !choices.atLeastOnce)
    findings.add(
      "CHANGE",
      "method",
      `a ${method} that left and was not answered, or was answered ${cutOff.join(", ")}, is not sent again: its outcome is unknown (OutcomeUnknown), unless an idempotencyKey or onUnknown: Resend says that it may be`,
    );
  const wait = loops ? undefined : pause;
  // With a pause each tick is a try there.
  const triesAtTicks = loops && limit !== undefined && pause !== undefined;
  const retries = triesAtTicks ? 0 : Math.max((limit ?? mostRetries + 1) - 1, 0);
  return {
    retry: {
      limit: Math.min(retries, mostRetries),
      // Without it what failed for certain would not be tried again.
      when: [...(expectedResponse === undefined || expectedResponse === "" ? [] : ["2xx", "3xx"]), ...everyFailure],
      backoff: wait === undefined ? { initial: "1s", max: "1m" } : { initial: wait, max: wait },
    },
    ...(!endsWithSuccess(parameters) && scheduleOf(limit, pause, findings)),
    ...(limit === 0 && { suspend: true }),
  };
}

function scheduleOf(limit: number | undefined, pause: string | undefined, findings: Translating["findings"]): Spec {
  if (pause === undefined)
    findings.add("CHANGE", "shouldLoopInfinitely", "without nextReconcile it was sent at each reconcile; here each 30 s");
  if (limit !== undefined && limit > mostFailures)
    findings.add("CHANGE", "rollbackRetriesLimit", `it stops for good after ${mostFailures} failures in a row`);
  const failures = Math.min(limit ?? 0, mostFailures);
  return { schedule: { every: pause ?? "30s", ...(failures > 0 && { stopAfter: { failures } }) } };
}
/** Of runs in a row, that can be declared here. */
const mostFailures = 1_000;
