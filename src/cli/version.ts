/** What this is a version of: as package.json says. */
import packageJSON from "../../package.json" with { type: "json" };

/** The version that package.json states. */
export const { version } = packageJSON;
