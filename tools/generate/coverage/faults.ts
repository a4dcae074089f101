/** The page of faults: what may go wrong around Holdfast, what holds then, and the test that makes it go wrong. */
import { oneFolderDown, proofs, testFiles } from "./tests.ts";

interface Fault {
  readonly text: string;
  readonly holds: string;
}

/** F1 is the first. */
const faults: readonly Fault[] = [
  { text: "A watch's connection goes dead without a word", holds: "Events flow again after the idle timeout, and no write waits for its deadline; no object is lost, nothing is listed anew" },
  { text: "The API server is stopped for a minute", holds: "Watched again after its return, by pauses of 30 s at most, with one relist a type at most; the process lives, and requests on their way are left alone" },
  { text: "etcd is compacted, and the watch is answered 410", holds: "One relist; deletes that happened meanwhile are seen" },
  { text: "429 to a list, a watch or a status", holds: "Retry-After is obeyed; it recovers by itself" },
  { text: "Watch events twice, in another order, or again long after; hours of bookmarks", holds: "No request more" },
  { text: "A cache that lags: an old list, late events", holds: "No request twice" },
  { text: "kill -9 at each step of a send", holds: "A POST without a key is sent once, and where nobody can know, `OutcomeUnknown`; with a key one effect; GET, PUT and DELETE end Ready" },
  { text: "The leader is suspended or cut off, another takes over, the first comes back", holds: "The deposed one sends nothing, and writes nothing but what came of what it had declared" },
  { text: "SIGTERM with 200 requests on their way", holds: "All end, or are recorded as in flight; the process ends within 30 s, and a successor begins within 3 s; after a kill, within the lease and 2 s" },
  { text: "Statuses cannot be written after a success: the API server fails, is away or hidden by a page of a gateway for longer than a reconcile and a lease, an admission policy or RBAC refuses them, the object has no room", holds: "Nothing is sent again, `tries` is 1; readiness and metrics say so; the outcome is written when it is accepted, and at SIGTERM the log has the command that writes it" },
  { text: "An object is deleted and made anew under its name during a request", holds: "The old outcome lands on no other object" },
  { text: "A spec is changed or suspended during a request", holds: "What it declares then is sent once" },
  { text: "A hostile origin: resets, slow bytes, compressed bombs, endless chunks, expired certificates, redirects in a circle", holds: "Memory within 64 MiB, an end in time, the right reason, the worker free" },
  { text: "Many objects, one origin down", holds: "No more tries than the back-off allows; the others do not wait" },
  { text: "The wall clock jumps by an hour", holds: "Leases, pauses and limits do not care" },
  { text: "CRDs missing or removed, rights taken, Secrets and tokens rotated", holds: "Heals without a restart; readiness names what is missing" },
  { text: "An interval of 30 days or of nothing, cron where summer time begins or ends", holds: "It waits as long, or is refused; no loop" },
  { text: "Hours of load while one thing in twenty goes wrong", holds: "Less than 1 MiB an hour of memory; descriptors and sockets do not grow; nothing is unhandled" },
  { text: "Specs changed from any to any other, and back", holds: "The same end as a fresh apply" },
  { text: "A plan throws, or a promise never settles", holds: "It is counted, and the worker works on" },
  { text: "20,000 objects are listed anew, or wait at an origin, and somebody changes one", holds: "What was just changed is next, in the queue and at its origin" },
  { text: "Secrets are used in more namespaces than there are watches", holds: "One watch of all namespaces tells of the others; where it may not, they are looked at in intervals, and counted" },
  { text: "100,000 objects in 2,000 namespaces: a listing, a new leader, a wave of labels, a scrape", holds: "The event loop is never kept for 50 ms: `make bench-loop` measures it" },
  { text: "The API server is far away", holds: "As many calls at once as are reconciled at once; outcomes and the lease wait behind none" },
  { text: "A Secret that many objects use is rotated", holds: "It is read once for many, and anew for whoever has changed since" },
  { text: "Reads of Secrets are answered 429", holds: "Retry-After is obeyed" },
  { text: "Somebody wipes a status, or writes other conditions, also while a request is on its way", holds: "Nothing is sent again; what is known is recorded" },
  { text: "A schedule's process is killed in a run that has a key", holds: "That run is sent again with its key, whatever ticks have come; there are no more keys than runs" },
  { text: "The kubeconfig's authority changes, or its plugin hangs or wants to know of the cluster", holds: "Heals without a restart; a plugin is told of the cluster, and is killed where it hangs" },
  { text: "All of a namespace is deleted at once, Secrets first", holds: "It ends by itself, or the condition says the way out" },
  { text: "Objects with outputs are restored under other UIDs", holds: "They take over what the one before them made" },
  { text: "etcd is restored from an older copy", holds: "Whoever leads, by a lease, with slots or alone, ends itself, and the next one lists anew" },
  { text: "The replies to all renewals of the lease are lost", holds: "It is read, and held" },
  { text: "Memory runs out slowly", holds: "An alert tells before" },
  {
    text: "Outputs are refused once the answer is there: by a quota, a policy, a webhook, a right that was taken away",
    holds: "The answer is kept, and nothing is sent again; they are written once that is over",
  },
];

/** Runs of `test/fault/soak.test.ts`, as it told them: on what, for how long, how processes ended, how many objects, what was wrong. */
const runs: readonly (readonly string[])[] = [
  [
    "2026-11-29, two namespaces, on two cores that were busy",
    "4 minutes",
    "31 killed, 4 suspended, 2 told to end",
    "784",
    "a create with a key whose process was killed, and whose spec changed before the next start, made a second object: its intent is recorded first since",
  ],
  [
    "2026-11-30, four namespaces, on two cores that were busy",
    "60 minutes",
    "578 killed, 59 suspended, 59 told to end",
    "10150",
    "nothing was sent twice, and nothing stayed behind; one HTTPResource was taken for ended by the test, which had found it `OutcomeUnknown` between an answer that was lost and its lookup: that is not an end for the test any more",
  ],
  [
    "2026-11-30, four namespaces, on two cores that were busy",
    "60 minutes",
    "634 killed, 58 suspended, 63 told to end",
    "13650",
    "nothing: nothing was sent twice, and each came to an end",
  ],
  [
    "2026-11-30, four namespaces, the bundle, on two cores that were busy",
    "60 minutes",
    "1112 killed, 77 suspended, 100 told to end",
    "15848",
    "nothing: nothing was sent twice, and each came to an end",
  ],
];
/** What became of the objects of the latest hour: Ready, OutcomeUnknown, refused by the server. */
const ends: readonly (readonly string[])[] = [
  ["POST", "1042", "87", "3"],
  ["POST with a key", "1132", "0", "0"],
  ["GET", "1132", "0", "0"],
  ["PUT", "1132", "0", "0"],
  ["DELETE", "1132", "0", "0"],
  ["POST at a time", "1031", "96", "5"],
  ["POST each 2 s", "528", "604", "0"],
  ["the same with a key", "1132", "0", "0"],
  ["POST that begins work, polled", "1016", "107", "9"],
  ["`forEach`, each with a key", "1132", "0", "0"],
  ["POST with a key and an output", "1132", "0", "0"],
  ["HTTPResource, with `lookup`", "1132", "0", "0"],
  ["HTTPResource, with a key", "1132", "0", "0"],
  ["HTTPResource, with neither", "1028", "104", "0"],
];

/** Throws where a fault has no test. */
export function faultsPage(): string {
  const tests = testFiles();
  const rows = faults.map(
    ({ text, holds }, index) => `| F${index + 1} | ${text} | ${holds} | ${oneFolderDown(proofs(tests, `F${index + 1}`))} |`,
  );
  return `# Faults

What goes wrong around Holdfast, what holds then, and the tests that make it go wrong. They run against a real kube-apiserver and etcd where these are part of it, and believe nobody in the process: what counts is what the origin was sent, what the API server's audit log says and what the kernel has open. The tests carry these numbers in their names: \`grep -rn "F7:" test\`.

${["| | fault | what holds | tests |", "| --: | --- | --- | --- |", ...rows].join("\n")}

## Soak

\`make soak\` runs them at full length, one after the other, in hours. \`make soak ONLY=test/fault/soak.test.ts\` is what is most like use: for an hour, in four namespaces, a controller is killed at random moments, a thousand times (now and then it is told to end, or suspended until another leads), while one request in fifty to the API server, and to the origin, goes wrong. Objects of every kind are declared, changed and deleted, round after round: POSTs, with a key and without, PUTs, schedules, polls, \`forEach\`, outputs, HTTPResources. Nothing may be sent twice, a key has one effect, an HTTPResource one object, an output what was answered; and each object comes to an end within three minutes.

Limits of others at full length: of F14, that 99 of 100 requests to origins that are up leave within 1.2 times as long as when all are up; of F18, 1 MiB an hour, beyond twice the error that the scatter of the samples gives the slope.

| ran | for | ended | objects | found |
| --- | --- | --- | --: | --- |
${runs.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

What became of the objects of the latest hour; an answer that was lost makes what must not be sent twice \`OutcomeUnknown\`, as [delivery](../delivery.md) has it:

| kind | Ready | OutcomeUnknown | answered with a failure |
| --- | --: | --: | --: |
${ends.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

Where the machine is busy, leases are lost before they can be renewed, and what had begun then says \`NotLeader\`: whoever leads next sends it. While the next ones are killed, too, that lasts: for a minute in the first of the hours above. So leases of 5 s are the shortest here from the sources, and of 4 s with the bundle, which starts sooner.
`;
}
