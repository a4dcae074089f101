/** jest's globalTeardown beside `control-plane-setup.ts`. Throws, which fails the run, where a Secret's value has got out. */
import { leaks } from "./canaries.ts";
import type { ControlPlane } from "./control-plane.ts";
import { running } from "./control-plane-setup.ts";

export default async function teardown(): Promise<void> {
  try {
    for (const plane of running) await look(plane);
  } finally {
    await Promise.all(running.map((plane) => plane.stop()));
  }
}
async function look(plane: ControlPlane): Promise<void> {
  const { found, values, places } = await leaks(plane);
  console.log(`canaries: looked for ${values} values of Secrets in ${places} objects and logs, found ${found.length}`);
  if (found.length > 0) throw new Error(`values of Secrets have got out:\n${found.join("\n")}`);
}
