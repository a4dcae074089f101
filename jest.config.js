/** Node strips the types itself, so nothing is transformed; each project is one class of test, least powerful first. */
const common = { transform: {}, extensionsToTreatAsEsm: [".ts"], testEnvironment: "node" };
const project = (name) => ({ ...common, displayName: name, testMatch: [`<rootDir>/test/${name}/**/*.test.ts`] });

export default {
  projects: ["unit", "http", "standalone", "kubernetes"].map(project),
};
