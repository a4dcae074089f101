/** Header fields as a strict server reads them (llhttp, RFC 9112): what was accepted arrives as it was, and nothing beside it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { Client } from "undici";
import { headerRecord } from "../../src/http/render/headers.ts";
import { anyText, fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const names = ["host", "Content-Length", "transfer-encoding", "Connection", "__proto__", "constructor", "set-cookie", "expect"];
const units = ["\r", "\n", "\0", "\t", " ", "a", ":", "\u00e9", "\u0100", "\x7f"];

test(
  "a field of any name and value is refused, or arrives alone and as it was",
  async () => {
    const received: string[][] = [];
    const server = createServer({ insecureHTTPParser: false }, (request, response) => {
      received.push(request.rawHeaders);
      request.resume();
      response.end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const name = fc.oneof(
      fc.string({
        unit: fc.constantFrom("a", "X", "-", "_", "!", "%", "'", "^", "`", "|", "~", "9"),
        minLength: 1,
        maxLength: 12,
      }),
      fc.string({ maxLength: 12 }),
      fc.constantFrom(...names),
    );
    const value = fc.oneof(
      fc.string({ maxLength: 30 }),
      anyText(10),
      fc.string({ unit: fc.constantFrom(...units), maxLength: 10 }),
    );
    try {
      await fc.assert(
        fc.asyncProperty(name, value, async (fieldName, fieldValue) => {
          let headers;
          try {
            headers = headerRecord([{ field: "spec.headers[0]", name: fieldName, value: fieldValue }]);
          } catch (error) {
            expect(error).toMatchObject({ name: "RefusedError" });
            return;
          }
          received.length = 0;
          const { statusCode, body } = await client.request({ method: "GET", path: "/", headers });
          await body.dump();
          expect(statusCode).toBe(200);
          const [raw = []] = received;
          const pairs = raw.flatMap((one, index) => (index % 2 === 0 ? [[one.toLowerCase(), raw[index + 1]]] : []));
          const fields = pairs.filter(([one = ""]) => !["host", "connection"].includes(one));
          expect(fields).toEqual([[fieldName.toLowerCase(), fieldValue.replace(/^[ \t]+|[ \t]+$/g, "")]]);
        }),
        runs(300),
      );
    } finally {
      await client.destroy();
      server.close();
    }
  },
  fuzzTimeoutMs,
);
