/**
 * A login of any shape: its requests in their order, and what they give made into what each request of the endpoint gets.
 *
 * Invariant: the answers are let go when it has ended, and nothing of them reaches a message but the status code.
 */
import { isPassing } from "../../core/answered-status.ts";
import type { LoginPart, LoginRequest, LoginSources } from "../../core/auth.ts";
import type { EndpointTraits } from "../../core/connection.ts";
import type { Scope } from "../../core/evaluation.ts";
import { isExpectedStatus } from "../../core/expectation.ts";
import type { Response } from "../../core/outcome.ts";
import type { Evaluator } from "../../core/ports.ts";
import type { Located } from "../../core/request-template.ts";
import { retryAfterFieldMs } from "../../core/retry.ts";
import { deadline } from "../../core/tools/deadline.ts";
import type { Eventual } from "../../core/tools/eventual.ts";
import { withParts, type CredentialPart } from "../credentials/credential.ts";
import type { LogIn } from "../credentials/credentials.ts";
import type { Issued } from "../credentials/issued.ts";
import type { MakeToken } from "../credentials/made-tokens.ts";
import type { SendRequest } from "../credentials/oauth2.ts";
import type { TokenContext } from "../credentials/context.ts";
import type { Token } from "../credentials/tokens.ts";
import { compileAll } from "../evaluate/batch.ts";
import type { Evaluations } from "../evaluate/plan-evaluations.ts";
import { refuse, refuseForNow, RefusedError } from "../refusal.ts";
import { expressionsIn, expressionsOf, renderRequest } from "../render/render.ts";
import { contentText, fillTemplate, scalarText } from "../render/values.ts";
import type { LoginSettings } from "../resolve/auth.ts";
import { cookiesOf, withSet, type SetCookie } from "../send/cookies.ts";
import type { WireRequest } from "../wire-request.ts";

export interface LoginDeps {
  readonly evaluator: Evaluator;
  readonly evaluations: Pick<Evaluations, "valuesOf">;
  readonly userAgent: string;
  /** Sends a request under the rules of requests for tokens. `own`: with the endpoint's client certificate. */
  readonly sendFor: (context: TokenContext, own?: boolean) => SendRequest;
}
interface About {
  readonly settings: LoginSettings;
  readonly context: Parameters<LogIn>[1];
}

/** Where a session ends that says nothing of it. */
const untilRefusedMs = 86_400_000;
const logoutTimeoutMs = 5_000;
/** Characters of what is sent, all parts together. */
const longestPart = 65_536;
/** Of one of its requests. */
const longestBody = 262_144;

type Cookies = ReadonlyMap<string, SetCookie>;
/** What has been learnt so far. */
interface Progress {
  readonly responses: readonly Response[];
  /** By the origin that set them. */
  readonly cookies: ReadonlyMap<string, Cookies>;
  readonly places: readonly string[];
}

export function createLogIn(deps: LoginDeps): LogIn {
  return async (settings, context, signal) => {
    const token = await logIn(deps, { settings, context }, signal);
    if (!settings.login.logout) return token;
    return {
      ...token,
      async logOut({ holding }) {
        // It is this process's own session, whoever leads by then.
        const leaving = { ...context, holding, mayStart: () => true };
        await logOut(deps, { settings, context: leaving }, token.value);
      },
    };
  };
}

/** Throws `RefusedError`. */
async function logIn(deps: LoginDeps, { settings, context }: About, signal: AbortSignal): Promise<Omit<Token<Issued>, "end">> {
  const { login } = settings;
  const about = { context, settings: await withMadeTokens(settings, context.makeToken, signal) };
  const asking = createAsking(deps, about, signal);
  let progress: Progress = { responses: [], cookies: new Map(), places: [] };
  try {
    await compileAll(deps.evaluator, { expressions: expressionsOfLogin(about.settings), group: asking.group }, signal);
    for (const one of login.requests) progress = await sendOne(one, progress, { ...about, deps, asking }, signal);
    return await issuedBy(about.settings, progress, asking);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof RefusedError ? healing(error, progress.responses.length > 0) : error;
  }
}

/** One try, whose outcome nobody waits for. Never throws. */
async function logOut(deps: LoginDeps, about: About, { parts }: Issued): Promise<void> {
  const { logout } = about.settings.login;
  if (!logout) return;
  using limit = deadline(new AbortController().signal, logoutTimeoutMs);
  try {
    const { settings, context } = about;
    const made = { context, settings: await withMadeTokens(settings, context.makeToken, limit.signal) };
    const request = await renderLogin(logout, { ...made, deps, asking: createAsking(deps, made, limit.signal) }, []);
    await deps.sendFor(about.context, isOwn(logout))(withParts(request, parts), limit.signal);
  } catch {
    // The session lives on until its server ends it.
  }
}

/** What its expressions see. */
export function loginScope({ inputs }: LoginSources, { key, credentialNamespace }: EndpointTraits): Scope {
  return {
    inputs,
    metadata: { name: key.name, namespace: credentialNamespace, uid: "" },
    now: new Date().toISOString(),
  };
}

/** With the inputs that are made anew for each login. */
async function withMadeTokens(settings: LoginSettings, makeToken: MakeToken, signal: AbortSignal): Promise<LoginSettings> {
  const inputs = new Map(settings.inputs);
  for (const [name, token] of Object.entries(settings.tokens))
    inputs.set(name, { value: await makeToken(token, signal), secret: true });
  return { ...settings, inputs };
}

interface Asking {
  readonly group: string;
  /** JSON texts by the expressions' own. */
  valuesOf(
    expressions: readonly Located[],
    seen: { readonly responses: readonly Response[]; readonly response?: Response },
  ): Eventual<ReadonlyMap<string, string>>;
}
function createAsking({ evaluations }: LoginDeps, { settings, context }: About, signal: AbortSignal): Asking {
  const scope = loginScope(settings.login, context.endpoint);
  return {
    group: scope.metadata.namespace,
    valuesOf: (expressions, seen) => evaluations.valuesOf(expressions, { scope, ...seen }, settings.inputs, signal),
  };
}

/** All that are evaluated on answers: one that does not compile is found before anybody logs in. */
function expressionsOfLogin({ login: { requests, send, expires } }: LoginSettings): readonly Located[] {
  const templates = send.flatMap(({ value }) => (value ? [value] : []));
  const thats = requests.flatMap(({ expect: { that } }) => (that ? [that] : []));
  return [
    ...requests.flatMap(({ request }) => expressionsOf(request)),
    ...expressionsIn(templates),
    ...thats,
    ...(expires ? [expires] : []),
  ];
}

type Sending = About & { readonly deps: LoginDeps; readonly asking: Asking };

const isOwn = ({ request }: LoginRequest): boolean => request.url.type === "joined";

async function renderLogin(
  one: LoginRequest,
  { deps, settings, asking }: Sending,
  responses: readonly Response[],
): Promise<WireRequest> {
  const values = await asking.valuesOf(expressionsOf(one.request), { responses });
  const valueOf = (expression: string): string => values.get(expression) ?? "null";
  const request = renderRequest(one.request, { valueOf, bytes: settings.bytes }, deps.userAgent);
  if ((request.body?.length ?? 0) > longestBody)
    refuse("InvalidRequest", `${one.field}.body: would be longer than ${longestBody} bytes, which no login is`);
  return request;
}

async function sendOne(one: LoginRequest, before: Progress, sending: Sending, signal: AbortSignal): Promise<Progress> {
  const request = await renderLogin(one, sending, before.responses);
  const { origin, path } = request;
  const jar: Cookies = before.cookies.get(origin) ?? new Map();
  const outcome = await sending.deps.sendFor(sending.context, isOwn(one))(withCookies(request, jar), signal);
  if (outcome.type !== "response") return refuseForNow("TokenRequestFailed", `${one.field}: ${outcome.message}`);
  const { response } = outcome;
  await checkAnswer(one, response, { ...before, asking: sending.asking }).catch((error: unknown) => {
    throw error instanceof RefusedError ? healing(error, true) : error;
  });
  return {
    responses: [...before.responses, response],
    cookies: new Map(before.cookies).set(origin, withSet(jar, cookiesOf(response, new Date()))),
    places: [...before.places, `${origin}${path.split("?", 1)[0]}`],
  };
}

function withCookies(request: WireRequest, jar: Cookies): WireRequest {
  if (jar.size === 0 || Object.hasOwn(request.headers, "cookie")) return request;
  return withParts(
    request,
    [...jar.values()].map(({ name, value }) => ({ in: "cookie", name, value })),
  );
}

async function checkAnswer(
  { field, expect: { status, that } }: LoginRequest,
  response: Response,
  { responses, asking }: Pick<Progress, "responses"> & { readonly asking: Asking },
): Promise<void> {
  const { statusCode } = response;
  if (!isExpectedStatus(status, statusCode)) {
    const message = `${field}: answered ${statusCode}, where expect.status has ${status.join(", ")}`;
    const isForNow = statusCode >= 400 && isPassing(response);
    const retryAfterMs = retryAfterFieldMs(response, new Date());
    const reason = isForNow ? "TokenRequestFailed" : "CredentialRefused";
    throw new RefusedError({ type: "refusal", reason, message, heals: true, ...(retryAfterMs > 0 && { retryAfterMs }) });
  }
  if (!that) return;
  const values = await asking.valuesOf([that], { responses, response });
  if (values.get(that.text) !== "true")
    refuseForNow("CredentialRefused", `${that.field}: the answer, of status ${statusCode}, is not as expected`);
}

/** What is wrong with an answer is not mended by asking at once for another: each is a login. */
function healing({ refusal }: RefusedError, hasAnswered: boolean): RefusedError {
  const { reason } = refusal;
  const isOfAnswer = hasAnswered && !["TokenRequestFailed", "InvalidExpression", "ExpressionTimeout"].includes(reason);
  return new RefusedError({ ...refusal, heals: true, ...(isOfAnswer && { reason: "CredentialRefused" }) });
}

async function issuedBy(
  { login }: LoginSettings,
  { responses, cookies, places }: Progress,
  asking: Asking,
): Promise<Token<Issued>> {
  const { send, expires } = login;
  const templates = send.flatMap(({ value }) => (value ? [value] : []));
  const asked = [...expressionsIn(templates), ...(expires ? [expires] : [])];
  const values = await asking.valuesOf(asked, { responses });
  const set = [...cookies.values()].flatMap((jar) => [...jar.values()]);
  const parts = send.flatMap((part) => partsOf(part, values, set));
  if (parts.reduce((sum, { value }) => sum + value.length, 0) > longestPart)
    refuseForNow(
      "CredentialRefused",
      `${send[0]?.field ?? "auth.login.send"}: what the login gave is longer than ${longestPart} characters`,
    );
  const used = new Set(parts.flatMap((part) => (part.in === "cookie" ? [part.name] : [])));
  const lives = set.flatMap(({ name, lifeSecs }) => (lifeSecs !== undefined && used.has(name) ? [lifeSecs * 1000] : []));
  const json = expires && (values.get(expires.text) ?? "null");
  const lifetimeMs =
    (expires && json !== undefined ? lifetimeOf(json, expires) : undefined) ?? Math.min(untilRefusedMs, ...lives);
  const made = expressionsIn(templates).map(({ text }) => values.get(text) ?? "null");
  const secrets = [...parts.map(({ value }) => value), ...made.filter((one) => one.startsWith('"')).map(contentText)];
  return { value: { parts, secrets: [...new Set(secrets)], places }, lifetimeMs };
}

function partsOf(part: LoginPart, values: ReadonlyMap<string, string>, set: readonly SetCookie[]): readonly CredentialPart[] {
  const { name, field } = part;
  if (!part.value) {
    const found = name === "*" ? set : set.filter((cookie) => cookie.name === name);
    if (found.length === 0) refuseForNow("CredentialRefused", `${field}.cookie: the login set no such cookie`);
    return found.map((cookie) => checkPart({ in: "cookie", name: cookie.name, value: cookie.value }, field));
  }
  const { value: template } = part;
  const value = fillTemplate(template, (text) => scalarText(values.get(text) ?? "null", template.field, text));
  return [checkPart({ in: part.in, name, value }, template.field)];
}

/** Nothing goes out without it, nor with what would end its field. */
function checkPart(part: CredentialPart, field: string): CredentialPart {
  const { value } = part;
  const problem =
    value.trim() === "" || /^(Bearer|Basic|Token) *$/i.test(value)
      ? "is empty"
      : value.length > longestPart
        ? `is longer than ${longestPart} characters`
        : // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
          /[\x00-\x1f\x7f]/.test(value) || (part.in === "cookie" && value.includes(";"))
          ? "holds a line break or another character that it cannot be sent with"
          : undefined;
  if (problem !== undefined) refuseForNow("CredentialRefused", `${field}: what the login gave ${problem}`);
  return part;
}

/** Seconds to live, or when it ends (RFC 3339), as milliseconds to live; undefined where nothing is said. */
function lifetimeOf(json: string, { field }: Located): number | undefined {
  if (json === "null") return undefined;
  const text = contentText(json);
  const ms =
    json.startsWith('"') && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text)
      ? Date.parse(text) - Date.now()
      : /^-?\d{1,15}(\.\d{1,9})?$/.test(text)
        ? Number(text) * 1000
        : NaN;
  return Number.isNaN(ms) ? refuseForNow("CredentialRefused", `${field}: yields neither seconds nor a time (RFC 3339)`) : ms;
}
