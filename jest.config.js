import { tmpdir } from "node:os";
import { join } from "node:path";

// Inherited by every process that tests start: each then starts in half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "holdfast-compile-cache");

/** Node strips the types itself, so nothing is transformed; each project is one class of test, least powerful first. */
const common = { transform: {}, extensionsToTreatAsEsm: [".ts"], testEnvironment: "node" };
const project = (name) => ({ ...common, displayName: name, testMatch: [`<rootDir>/test/${name}/**/*.test.ts`] });
/** A control plane for the whole run: its tests skip loudly where there is none. */
const controlPlane = {
  globalSetup: "<rootDir>/test/support/control-plane-setup.ts",
  globalTeardown: "<rootDir>/test/support/control-plane-teardown.ts",
};

export default {
  // Tests end as soon as what they wait for is there: the limit is for machines that are busy, and longer than any one wait of
  // theirs, which says what it waited for.
  testTimeout: 180_000,
  projects: [
    ...["unit", "model", "http", "standalone"].map(project),
    ...["kubernetes", "security", "fault"].map((name) => ({ ...project(name), ...controlPlane })),
    ...["chart", "project", "real"].map((name) => ({ ...project(name), globalSetup: `<rootDir>/test/${name}/setup.ts` })),
  ],
};
