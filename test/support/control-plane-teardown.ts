/** jest's globalTeardown beside `control-plane-setup.ts`. */
import { running } from "./control-plane-setup.ts";

export default async function teardown(): Promise<void> {
  await running.plane?.stop();
}
