/** The page of faults: what may go wrong around Holdfast, what holds then, and the test that makes it go wrong. */
import { oneFolderDown, proofs, testFiles } from "./tests.ts";

interface Fault {
  readonly text: string;
  readonly holds: string;
}

/** F1 is the first. */
const faults: readonly Fault[] = [
  { text: "A watch's connection goes dead without a word", holds: "Events flow again within the idle timeout and 5 s; no object is lost, nothing is listed anew" },
  { text: "The API server is stopped for a minute", holds: "Watched again within 35 s of its return, with one relist a type at most; the process lives, and requests on their way are left alone" },
  { text: "etcd is compacted, and the watch is answered 410", holds: "One relist; deletes that happened meanwhile are seen" },
  { text: "429 to a list, a watch or a status", holds: "Retry-After is obeyed; recovered within 30 s" },
  { text: "Watch events twice, in another order, or again long after; hours of bookmarks", holds: "No request more" },
  { text: "A cache that lags: an old list, late events", holds: "No request twice" },
  { text: "kill -9 at each step of a send", holds: "A POST without a key is sent once, and where nobody can know, `OutcomeUnknown`; with a key one effect; GET, PUT and DELETE end Ready" },
  { text: "The leader is suspended or cut off, another takes over, the first comes back", holds: "The deposed one sends nothing, and writes nothing but what came of what it had declared" },
  { text: "SIGTERM with 200 requests on their way", holds: "All end, or are recorded as in flight; the process ends within 30 s, and a successor begins within 3 s; after a kill, within the lease and 2 s" },
  { text: "Statuses cannot be written after a success: the API server fails or is away for longer than a reconcile and a lease, an admission policy or RBAC refuses them, the object has no room", holds: "Nothing is sent again, `tries` is 1; readiness and metrics say so; the outcome is written when it is accepted, and at SIGTERM the log has the command that writes it" },
  { text: "An object is deleted and made anew under its name during a request", holds: "The old outcome lands on no other object" },
  { text: "A spec is changed or suspended during a request", holds: "What it declares then is sent once" },
  { text: "A hostile origin: resets, slow bytes, compressed bombs, endless chunks, expired certificates, redirects in a circle", holds: "Memory within 64 MiB, time within the deadline and 1 s, the right reason, the worker free" },
  { text: "Many objects, one origin down", holds: "No more tries than the back-off allows; the others do not wait" },
  { text: "The wall clock jumps by an hour", holds: "Leases, pauses and limits do not care" },
  { text: "CRDs missing or removed, rights taken, Secrets and tokens rotated", holds: "Heals without a restart; readiness names what is missing" },
  { text: "An interval of 30 days or of nothing, cron where summer time begins or ends", holds: "It waits as long, or is refused; no loop" },
  { text: "Hours of load while one thing in twenty goes wrong", holds: "Less than 1 MiB an hour of memory; descriptors and sockets do not grow; nothing is unhandled" },
  { text: "Specs changed from any to any other, and back", holds: "The same end as a fresh apply" },
  { text: "A plan throws, or a promise never settles", holds: "It is counted, and the worker works on" },
];

/** Throws where a fault has no test. */
export function faultsPage(): string {
  const tests = testFiles();
  const rows = faults.map(
    ({ text, holds }, index) => `| F${index + 1} | ${text} | ${holds} | ${oneFolderDown(proofs(tests, `F${index + 1}`))} |`,
  );
  return `# Faults

What goes wrong around Holdfast, what holds then, and the tests that make it go wrong. They run against a real kube-apiserver and etcd where these are part of it, and believe nobody in the process: what counts is what the origin was sent, what the API server's audit log says and what the kernel has open. \`make soak\` runs the same at full length. The tests carry these numbers in their names: \`grep -rn "F7:" test\`.

${["| | fault | what holds | tests |", "| --: | --- | --- | --- |", ...rows].join("\n")}
`;
}
