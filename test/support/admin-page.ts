/** The admin page of a controller under test, as whoever may port-forward sees it. */
import { request } from "undici";
import type { HoldfastProcess } from "./controller-process.ts";

export async function adminPageOf(controller: HoldfastProcess): Promise<{ readonly statusCode: number; readonly page: string }> {
  const { adminPort } = await controller.logged(({ adminPort: port }) => port !== undefined);
  const { statusCode, body } = await request(`http://127.0.0.1:${String(adminPort)}/`);
  return { statusCode, page: await body.text() };
}
