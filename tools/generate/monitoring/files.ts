/** The texts of the generated files about alerts. */
import { stringify } from "yaml";
import { alerts } from "./alerts.ts";

const made = "Made by `make generate` from tools/generate/monitoring";

/** What the chart's template fills in: by name, in the order of their evaluation. */
export function alertsYAML(): string {
  const rules = Object.fromEntries(
    alerts.map(({ name, expr, for: duration, severity, summary, description }) => [
      name,
      { expr, for: duration, severity, summary, description },
    ]),
  );
  return `# ${made}/alerts.ts.\n${stringify(rules, { lineWidth: 0 })}`;
}

/** The list of runbooks, in Markdown. */
export function runbookIndex(): string {
  const rows = alerts.map(({ name, severity, summary, for: duration, threshold }) => {
    const plain = summary.replaceAll(/\{\{.*?\}\}/g, "…");
    const limit = threshold ? `${threshold.value} (${threshold.description.replace(/\.$/, "")})` : "";
    return `| [${name}](${name}.md) | ${severity} | ${plain} | ${limit} | ${duration} |`;
  });
  return `# Runbooks

One for each alert of the chart (\`prometheusRule.enabled\`). Thresholds are values, \`prometheusRule.thresholds.NAME\`; \`prometheusRule.disabled\` leaves alerts out. This list is generated from \`tools/generate/monitoring/alerts.ts\`.

| alert | severity | says | threshold | for |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}
