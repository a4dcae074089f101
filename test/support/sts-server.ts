/** A server that gives a role's credentials as AWS STS does, and one whose requests must be signed by them. */
import type { ServerResponse } from "node:http";
import { awsAuthorization } from "./aws-signature.ts";
import { loopbackServer, type LoopbackServer } from "./loopback.ts";

export interface STSServer extends LoopbackServer {
  /** What was given, the newest last. */
  readonly given: readonly Given[];
  /** Those given so far have expired from now on. */
  expireAll(): void;
  isExpired(nth: number): boolean;
}
interface Given {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
  /** Seconds since 1970. */
  readonly Expiration: number;
}
interface STSOptions {
  readonly as?: "JSON" | "XML";
  readonly lifetimeSeconds?: number;
  /** Whether it believes a token. */
  readonly accepts?: (token: string) => boolean;
}

const result = "AssumeRoleWithWebIdentityResult";
const response = "AssumeRoleWithWebIdentityResponse";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
export async function startSTS({
  as = "JSON",
  lifetimeSeconds = 3_600,
  accepts = () => true,
}: STSOptions = {}): Promise<STSServer> {
  const given: Given[] = [];
  let expired = 0;
  const server = await loopbackServer(({ method, headers, body }, reply) => {
    const form = new URLSearchParams(body);
    const says = (status: number, value: object): void => {
      reply.writeHead(status, { "content-type": as === "JSON" ? "application/json" : "text/xml" });
      reply.end(as === "JSON" ? JSON.stringify(value) : xml(value));
    };
    const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true;
    if (method !== "POST" || !isForm || headers.authorization !== undefined || form.get("Version") !== "2011-06-15")
      return says(400, { Error: { Code: "ValidationError", Message: "no such form" } });
    if (!accepts(form.get("WebIdentityToken") ?? ""))
      return says(400, { Error: { Code: "InvalidIdentityToken", Message: `not believed: ${form.get("WebIdentityToken")}` } });
    const credentials = {
      AccessKeyId: `ASIATEST${given.length + 1}`,
      SecretAccessKey: `secret/+key=of+the/session${given.length + 1}`,
      SessionToken: `session/token+${given.length + 1}==`,
      Expiration: Math.round(Date.now() / 1_000) + lifetimeSeconds,
    };
    given.push(credentials);
    const shown = as === "JSON" ? credentials : { ...credentials, Expiration: isoTime(credentials.Expiration) };
    says(200, { [response]: { [result]: { Audience: "a", Credentials: shown }, ResponseMetadata: { RequestId: "r" } } });
  });
  return Object.assign(server, {
    given,
    expireAll: () => void (expired = given.length),
    isExpired: (nth: number) => nth < expired,
  });
}

const isoTime = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace(".000", "");

function xml(value: object): string {
  return Object.entries(value)
    .map(([name, content]: [string, unknown]) => {
      const inner = typeof content === "object" && content !== null ? xml(content) : String(content);
      return `<${name}>${inner}</${name}>`;
    })
    .join("\n");
}

/** How a service says that credentials have expired. */
export const expiredAnswers = {
  "a header field": (reply: ServerResponse) =>
    void reply.writeHead(403, { "x-amzn-errortype": "ExpiredTokenException:http://internal.amazon.com/" }).end("{}"),
  "XML, as S3": (reply: ServerResponse) =>
    void reply.writeHead(400).end("<?xml version='1.0'?>\n<Error><Code>ExpiredToken</Code><Message>old</Message></Error>"),
  "JSON, as DynamoDB": (reply: ServerResponse) =>
    void reply.writeHead(400).end('{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"old"}'),
  "the status 401": (reply: ServerResponse) => void reply.writeHead(401).end(),
} as const;

interface Service {
  readonly region: string;
  readonly service: string;
  readonly expired?: (reply: ServerResponse) => void;
}
/** Answers 200 to what is signed, its session token too, by credentials of `sts` that are still good. */
export function startSignedService(sts: STSServer, { region, service, expired }: Service): Promise<LoopbackServer> {
  return loopbackServer((request, reply) => {
    const { headers, method, url: path, body } = request;
    const nth = sts.given.findIndex(({ SessionToken: token }) => token === headers["x-amz-security-token"]);
    const used = sts.given[nth];
    const authorization = headers.authorization ?? "";
    const isSigned = /SignedHeaders=[^,]*x-amz-security-token/.test(authorization);
    const key = used && { accessKeyID: used.AccessKeyId, secretAccessKey: used.SecretAccessKey, region, service };
    if (!key || !isSigned || authorization !== awsAuthorization({ method, path, headers, body }, key))
      return void reply.writeHead(403).end('{"message":"The request signature we calculated does not match"}');
    if (sts.isExpired(nth)) return (expired ?? expiredAnswers["a header field"])(reply);
    reply.end(`signed by ${used?.SessionToken}`);
  });
}
