/** What `holdfast resend` can be told. */
import { Option } from "commander";
import { integer, labelSelector, list, namespaceName } from "../flag-values.ts";

export interface ResendSettings {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly all?: boolean;
  readonly selector?: string;
  readonly stalled: boolean;
  readonly reason?: readonly string[];
  readonly unknown: boolean;
  readonly perSecond: number;
  readonly dryRun: boolean;
}

export const resendSettings: readonly Option[] = [
  new Option("--kubeconfig <file>", "the cluster and who to be there; without it KUBECONFIG or ~/.kube/config"),
  new Option("--all", "in all namespaces"),
  new Option("-n, --namespace <name>", "in this namespace").argParser(namespaceName),
  new Option("-l, --selector <selector>", "those with these labels").argParser(labelSelector),
  new Option("--stalled", "those that are Stalled alone: not those whose schedule goes on").default(false),
  new Option("--reason <reason>", "those that ended with this reason; may be repeated").argParser(list((text) => text)),
  new Option("--unknown", "those that may have arrived, too: OutcomeUnknown").default(false),
  new Option("--per-second <number>", "how many are asked for in a second at most").argParser(integer(1, 1_000)).default(5),
  new Option("--dry-run", "list them, and change nothing").default(false),
];
