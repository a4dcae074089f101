/** Certificates made for one test run by the openssl command: nothing is kept in the repository, and nothing expires there. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}
interface IssueOptions {
  readonly days?: number;
  readonly usage?: "serverAuth" | "clientAuth";
  /** An RSA key of so many bits, in place of a good one. */
  readonly rsaBits?: number;
}
export interface Authority {
  readonly ca: string;
  /** A certificate for these subjectAltName entries, `IP:127.0.0.1` say. `days` below zero: expired. */
  issue(names: string, options?: IssueOptions): Pair;
}

export function createAuthority(name: string): Authority & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-certificates-"));
  const openssl = (...parameters: string[]): unknown => execFileSync("openssl", parameters, { cwd: folder, stdio: "pipe" });
  const text = (file: string): string => readFileSync(join(folder, file), "utf8");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const asAuthority = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-subj", `/CN=${name}`, "-days", "2", ...asAuthority, "-out", "ca.pem");
  return {
    ca: text("ca.pem"),
    issue(names, { days = 2, usage = "serverAuth", rsaBits } = {}) {
      const key = rsaBits === undefined ? newKey : ["-newkey", `rsa:${rsaBits}`, "-nodes"];
      openssl("req", "-new", ...key, "-keyout", "leaf.key", "-subj", "/CN=leaf", "-out", "leaf.csr");
      writeFileSync(join(folder, "leaf.ext"), `subjectAltName=${names}\nextendedKeyUsage=${usage}\nbasicConstraints=CA:FALSE\n`);
      const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", `${days}`, "-extfile", "leaf.ext"];
      openssl("x509", "-req", "-in", "leaf.csr", ...signed, "-out", "leaf.pem");
      return { cert: text("leaf.pem"), key: text("leaf.key") };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
