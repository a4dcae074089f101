/** Where the run's `setup.ts` found what the tests of the repository need. */

/** The environment variable by which jest's workers learn it. */
export const toolsVariable = "HOLDFAST_TEST_PROJECT_TOOLS";

/** Programs; absent where they cannot be had. */
export interface ProjectTools {
  readonly actionlint?: string;
  readonly chromium?: string;
  /** Takes minutes to build: only where somebody has built it. */
  readonly cosign?: string;
  /** Has a registry of images in it. */
  readonly crane?: string;
  readonly helm?: string;
}

/** Throws outside of the project `project`. */
export function projectTools(): ProjectTools {
  const tools = process.env[toolsVariable];
  if (tools === undefined) throw new Error("this jest project has no globalSetup that finds programs");
  return JSON.parse(tools) as ProjectTools;
}
