/** What this is a version of: as package.json says, which the image holds too. */
import { readFileSync } from "node:fs";

/** The version that package.json states. */
export const version = (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string })
  .version;
