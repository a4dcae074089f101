/** Where the run's `setup.ts` found what the chart's tests need. */

import type { Image } from "./image.ts";

/** The environment variable by which jest's workers learn it; `none`: it cannot be had. */
export const toolsVariable = "HOLDFAST_TEST_CHART_TOOLS";

export interface ChartTools {
  /** The program. */
  readonly helm: string;
  /** A folder. */
  readonly prometheusCRDs: string;
  readonly image: Image;
  /** The folder of test/gitops; absent where it cannot be built. */
  readonly gitops?: string;
  /** The program of test/gitops/engine; absent where it cannot be built. */
  readonly gitopsEngine?: string;
  /** Programs of Debian's packages; absent where they cannot be had. */
  readonly prometheus?: string;
  readonly promtool?: string;
  /** Absent where nobody has built it. */
  readonly prometheusAdapter?: string;
  readonly chromium?: string;
  /** The Dockerfile's linter; absent where it cannot be had. */
  readonly hadolint?: string;
}

/** Throws outside of the project `chart`. */
export function chartTools(): ChartTools {
  const tools = process.env[toolsVariable];
  if (tools === undefined) throw new Error("this jest project has no globalSetup that finds Helm");
  return JSON.parse(tools) as ChartTools;
}
