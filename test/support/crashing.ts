/** A program that crashes in the way it is told, with a secret in all that the error has. */
import { onCrash } from "../../src/cli/crash.ts";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";
import { createLog } from "../../src/telemetry/log.ts";

const [way, secret = ""] = process.argv.slice(2);
const secrets = createSecretRegistry();
secrets.add(secret, "");
onCrash(createLog({ level: "info", format: "json", scrub: secrets.scrub }));
const cause = Object.assign(new Error(`because of ${secret}`), { code: "HPE_INVALID", data: `HTTP/1.1 200 OK ${secret}` });
const error = Object.assign(new Error(`no answer: ${secret}`, { cause }), { headers: { authorization: "of nobody's registry" } });
if (way === "rejected") void Promise.reject(error);
else
  setImmediate(() => {
    throw error;
  });
setTimeout(() => {}, 10_000);
