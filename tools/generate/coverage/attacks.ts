/** The table of attacks in the threat model: what has happened to other controllers that send requests, and the test that it does not here. */
import { proofs, testFiles } from "./tests.ts";

interface Attack {
  readonly text: string;
  /** What holds here, as Markdown; links are relative to docs/. */
  readonly holds: string;
}

/** Number 1 is the first. */
const attacks: readonly Attack[] = [
  {
    text: "A URL that leads the controller to metadata, loopback or the API server, in a form that a filter misses, or by a name that changes its address",
    holds: "[Egress](egress.md): every form, every resolved address, the vetted one dialled",
  },
  {
    text: "The controller's own token sent to a URL that a user chose",
    holds: "The API client and the outbound clients share nothing",
  },
  { text: "A user's text in a path of the Kubernetes API", holds: "Names are DNS subdomains at admission, and one encoded segment in a path" },
  { text: "A reference that names another namespace", holds: "No field of a tenant's kind names one" },
  {
    text: "Powerful kinds given to tenants by an aggregated role",
    holds: "Roles for users have the namespaced kinds alone, and are aggregated only when asked",
  },
  {
    text: "A redirect into the private network, and what is there in a condition, event or log",
    holds: "Redirects are guarded hop by hop; no message quotes a response",
  },
  {
    text: "An error text of a library that quotes a secret",
    holds: "Errors of JSON.parse, URL, jq, TLS and undici are re-worded; what a server echoes is masked, and kept in no id or URL",
  },
  {
    text: "An empty identity or credential that falls back to something else",
    holds: "Refused at admission; an empty value of a Secret is refused before anything is sent",
  },
  {
    text: "Response-queue poisoning on a connection that tenants share",
    holds: "One request at a time on a connection; `--client-isolation=namespace` for what no client can tell apart",
  },
  {
    text: "Line breaks in header fields; Host, Content-Length and their like set by a user",
    holds: "Refused at admission, and again once expressions are expanded",
  },
];

/** The table of docs/threat-model.md. Throws where an attack has no test. */
export function attacksTable(): string {
  const tests = testFiles();
  const rows = attacks.map(
    ({ text, holds }, index) => `| ${index + 1} | ${text} | ${holds} | ${proofs(tests, `attack ${index + 1}`)} |`,
  );
  return ["| | attack | what holds | tests |", "| --: | --- | --- | --- |", ...rows].join("\n");
}
