/** The page about the metrics, made from the registry that the controller serves: it cannot name one that is not there. */
import { definitions } from "../../../src/api/definitions.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

/** What is added of a histogram; Prometheus' own words for it. */
const suffixes = "`_bucket`, `_sum` and `_count`";

const groups: readonly { readonly title: string; readonly about: string; readonly prefix: RegExp }[] = [
  { title: "Requests and sockets", about: "What Holdfast sends, and over what.", prefix: /^holdfast_(http|tcp|egress|outcome)_/ },
  { title: "Kubernetes", about: "Watches, listings, resources.", prefix: /^holdfast_(?!memory)/ },
  {
    title: "controller-runtime's names",
    about: "Of the same meaning as there, so that its dashboards work unchanged.",
    prefix: /^(controller_runtime|leader_election|workqueue|rest_client)_/,
  },
  { title: "The process", about: "But for its memory limit from prom-client, on Linux.", prefix: /^/ },
];

interface Row {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, string | number | undefined>> }[];
  readonly labelNames: readonly string[];
}

/** Markdown. */
export async function metricsPage(): Promise<string> {
  const { registry } = createMetrics({ kinds: definitions.map(({ kind }) => kind), concurrency: 1 });
  const labelNames = new Map(
    registry.getMetricsAsArray().map((metric) => [metric.name, (metric as unknown as { labelNames: string[] }).labelNames]),
  );
  const rows: readonly Row[] = (await registry.getMetricsAsJSON()).map((metric) => ({
    ...metric,
    type: String(metric.type),
    values: metric.values,
    labelNames: labelNames.get(metric.name) ?? [],
  }));
  const taken = new Set<Row>();
  const sections = groups.map(({ title, about, prefix }) => {
    const own = rows.filter((row) => prefix.test(row.name) && !taken.has(row));
    for (const row of own) taken.add(row);
    const lines = own.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(line);
    return [
      `## ${title}`,
      "",
      about,
      "",
      "| metric | type | labels | what it says |",
      "| --- | --- | --- | --- |",
      ...lines,
    ].join("\n");
  });
  return `# Metrics

Served at \`/metrics\`. Labels are of closed sets, but for \`resource_namespace\` and \`http_endpoint\`, which \`--metrics-series\` bounds: none holds a URL or an error's text, so the number of series does not grow with what is declared. Every series whose labels are known beforehand is there at zero from the start. A histogram has ${suffixes}.

This page is generated from the controller's registry: change \`src/telemetry\`, and run \`make generate\`.

${sections.join("\n\n")}
`;
}

function line(row: Row): string {
  return `| \`${row.name}\` | ${row.type} | ${row.labelNames.map((label) => labelText(label, row)).join("; ")} | ${row.help} |`;
}

/** With its values, where they are the same in every process. */
function labelText(label: string, { name, values }: Row): string {
  const isFixed = !/^(nodejs|process)_/.test(name);
  const known = new Set(values.flatMap(({ labels }) => (isFixed && label !== "le" ? [labels[label]] : [])));
  const texts = [...known].filter((value) => value !== undefined && value !== "").map((value) => `\`${value}\``);
  return texts.length === 0 ? `\`${label}\`` : `\`${label}\`: ${texts.join(", ")}`;
}
