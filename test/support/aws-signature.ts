/**
 * The Authorization field that AWS computes from what arrived, by its own description of Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

interface Signed {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Key {
  readonly accessKeyID: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
}

/** Of the header fields that the request says are signed. */
export function awsAuthorization(
  { method, path, headers, body }: Signed,
  { accessKeyID, secretAccessKey, region, service }: Key,
): string {
  const [pathname = "", search = ""] = path.split("?");
  const hex = (text: string): string => createHash("sha256").update(text).digest("hex");
  const strict = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...new URLSearchParams(search)].map(([name, value]) => `${strict(name)}=${strict(value)}`).toSorted();
  const [, scope = "", signedHeaders = ""] =
    /Credential=[^/]*\/([^,]*), SignedHeaders=([^,]*)/.exec(headers.authorization ?? "") ?? [];
  const fields = signedHeaders.split(";").map((name) => `${name}:${String(headers[name])}\n`);
  const uri = pathname.split("/").map(strict).join("/");
  const canonical = [method, uri, query.join("&"), fields.join(""), signedHeaders, hex(body)].join("\n");
  const time = String(headers["x-amz-date"]);
  const mac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const key = mac(mac(mac(mac(`AWS4${secretAccessKey}`, time.slice(0, 8)), region), service), "aws4_request");
  const signed = mac(key, ["AWS4-HMAC-SHA256", time, scope, hex(canonical)].join("\n")).toString("hex");
  const credential = `${accessKeyID}/${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signed}`;
}
