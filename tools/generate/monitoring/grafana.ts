/**
 * A dashboard in Grafana's classic JSON model, which a sidecar loads into every Grafana. Held against the types of
 * grafana-foundation-sdk 0.0.21 and @grafana/schema 13.2: 42 is the model's version there, and the last one
 * (public/app/features/dashboard/state/DashboardMigrator.ts).
 */
import type { Dashboard, Panel } from "./dashboards.ts";

const datasource = { type: "prometheus", uid: "${datasource}" };
const release = 'job=~"$job",namespace=~"$namespace"';
const others = {
  type: "dashboards",
  title: "Holdfast",
  icon: "external link",
  tooltip: "",
  tags: ["holdfast"],
  asDropdown: true,
  targetBlank: false,
  keepTime: true,
  includeVars: true,
};
/** Grafana's grid is 24 wide. */
const columns = 24;
const sizes = { number: { w: 4, h: 4 }, lines: { w: 8, h: 8 } };

export function grafanaJSON({ title, panels }: Dashboard): string {
  const dashboard = {
    uid: `holdfast-${title.toLowerCase()}`,
    title: `Holdfast / ${title}`,
    tags: ["holdfast"],
    schemaVersion: 42,
    editable: false,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    links: [others],
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
        variable("namespace", "label_values(holdfast_http_clients, namespace)"),
        variable("job", 'label_values(holdfast_http_clients{namespace=~"$namespace"}, job)'),
      ],
    },
    panels: laidOut(panels),
  };
  return `${JSON.stringify(dashboard, undefined, 1)}\n`;
}

function variable(name: string, query: string): object {
  const all = { text: ["All"], value: ["$__all"] };
  return { name, type: "query", datasource, query, refresh: 2, sort: 1, includeAll: true, multi: true, current: all };
}

/** From left to right, and on with the next row where one is full or the size changes. */
function laidOut(panels: readonly Panel[]): readonly object[] {
  let [x, y, height] = [0, 0, 0];
  return panels.map((panel, index) => {
    const { w, h } = panel.isNumber ? sizes.number : sizes.lines;
    if (x + w > columns || (height !== 0 && h !== height)) [x, y] = [0, y + height];
    const gridPos = { x, y, w, h };
    [x, height] = [x + w, h];
    return { id: index + 1, gridPos, ...drawn(panel) };
  });
}

function drawn({ title, unit, description, series, isNumber }: Panel): object {
  const custom = isNumber ? {} : { custom: { fillOpacity: 10, showPoints: "never" } };
  return {
    type: isNumber ? "stat" : "timeseries",
    title,
    description,
    datasource,
    fieldConfig: { defaults: { unit, min: 0, ...custom }, overrides: [] },
    options: isNumber
      ? { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "none", graphMode: "area" }
      : {
          legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: [] },
          tooltip: { mode: "multi", sort: "desc" },
        },
    targets: Object.entries(series).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr: expr.replaceAll("$release", release),
      legendFormat,
    })),
  };
}
