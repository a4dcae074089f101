/** Calls of the API server that have to succeed. */
import type { ControlPlaneClient } from "./control-plane-client.ts";

/** The reply's body. Throws where the API server refuses. */
export async function accepted(
  plane: ControlPlaneClient,
  method: "POST" | "GET" | "DELETE",
  path: string,
  body?: object,
): Promise<unknown> {
  const reply = await plane.admin(method, path, body);
  if (reply.status > 299) throw new Error(`${method} ${path} was answered ${reply.status}: ${JSON.stringify(reply.body)}`);
  return reply.body;
}
