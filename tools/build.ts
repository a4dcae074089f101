/**
 * Bundles the sources into dist, as the image has them. Every package but one is loaded as npm installed it.
 *
 * Of the client of Kubernetes only the reader of kubeconfigs is taken, and of what that imports only what it uses: its generated classes
 * do nothing when they are loaded, which the package does not say.
 */
import { build, type Plugin } from "esbuild";

const client = "./node_modules/@kubernetes/client-node/dist/";

const unusedClassesLeftOut: Plugin = {
  name: "unused classes left out",
  setup(bundling) {
    bundling.onResolve({ filter: /^\./ }, async ({ path, importer, resolveDir, kind, with: attributes, pluginData }) => {
      if (pluginData === "resolved" || !importer.includes("/@kubernetes/client-node/dist/")) return undefined;
      const found = await bundling.resolve(path, { importer, resolveDir, kind, with: attributes, pluginData: "resolved" });
      return { ...found, sideEffects: false };
    });
  },
};

await build({
  entryPoints: ["src/main.ts", "src/expressions/worker.ts"],
  outdir: "dist",
  entryNames: "[name]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  packages: "external",
  alias: { "@kubernetes/client-node": `${client}config.js` },
  plugins: [unusedClassesLeftOut],
  logLevel: "warning",
});
