/** The Grafana dashboards as they are shipped; whether their expressions return data is what test/chart/prometheus.test.ts tells. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: object;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly refId: string; readonly datasource: object; readonly expr: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

const folder = join(import.meta.dirname, "../../charts/holdfast/dashboards");
const files = readdirSync(folder);
const read = (file: string): Dashboard => JSON.parse(readFileSync(join(folder, file), "utf8")) as Dashboard;
/** Of those that Grafana knows: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
const units = ["none", "ops", "reqps", "s", "bytes", "percentunit"];
const chosen = { type: "prometheus", uid: "${datasource}" };

test("there is one for what it does, for HTTP, for Kubernetes and for the process, each with an id of its own", () => {
  expect(files.toSorted()).toEqual(["http.json", "kubernetes.json", "overview.json", "process.json"]);
  expect(new Set(files.map((file) => read(file).uid)).size).toBe(files.length);
});

describe.each(files)("%s", (file) => {
  const { schemaVersion, templating, panels } = read(file);

  test("has the newest version of Grafana's classic model, and lets people choose data source, namespace and job", () => {
    expect(schemaVersion).toBe(42);
    expect(templating.list.map(({ name, type }) => `${type} ${name}`)).toEqual([
      "datasource datasource",
      "query namespace",
      "query job",
    ]);
  });

  test("says of each panel what it shows and in which unit, by panels that Grafana still has", () => {
    for (const { title, type, description, fieldConfig } of panels) {
      expect(title).not.toBe("");
      expect([title, description]).toEqual([title, expect.stringMatching(/^[A-Z0-9].+\.$/)]);
      expect([title, units]).toEqual([title, expect.arrayContaining([fieldConfig.defaults.unit])]);
      expect(["stat", "timeseries"]).toContain(type);
    }
    for (const field of ["id", "title"] as const) expect(new Set(panels.map((panel) => panel[field])).size).toBe(panels.length);
  });

  test("asks the data source that was chosen, for nothing but what was chosen", () => {
    for (const { title, datasource, targets } of panels) {
      expect([title, datasource]).toEqual([title, chosen]);
      for (const target of targets) {
        expect([title, target.datasource]).toEqual([title, chosen]);
        const selectors = target.expr.match(/\{[^}]*\}/g) ?? [];
        expect([title, selectors.length]).not.toEqual([title, 0]);
        for (const selector of selectors) expect(selector).toContain('job=~"$job",namespace=~"$namespace"');
      }
    }
  });

  test("has panels beside and below each other, none over another", () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });
});
