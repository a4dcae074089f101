/** HTTPRequests of one namespace, as a user sees them: declares, changes and looks at them, as the administrator. */
import { setTimeout as sleep } from "node:timers/promises";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";

export interface DeclaredRequest {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
  };
  readonly spec: HTTPRequestSpec;
  readonly status?: HTTPRequestStatus;
}
export type AllDeclared = ReadonlyMap<string, DeclaredRequest>;

export interface DeclaredRequests {
  readonly collection: string;
  /** `spec` as a user writes it. Throws when the API server does not take it. */
  create(name: string, spec: object): Promise<void>;
  change(name: string, spec: object): Promise<void>;
  annotate(name: string, annotations: Readonly<Record<string, string>>): Promise<void>;
  remove(name: string): Promise<void>;
  all(): Promise<AllDeclared>;
  /** Looks until it is so; throws after `timeoutMs`, with what it is. */
  until(what: string, isSo: (all: AllDeclared) => boolean, timeoutMs?: number): Promise<AllDeclared>;
}

export function declaredRequests(plane: Pick<ControlPlaneClient, "admin" | "adminPatch">, namespace: string): DeclaredRequests {
  const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests`;
  function must({ status, body }: { status: number; body: unknown }, what: string): void {
    if (status < 200 || status > 299) throw new Error(`${what} was answered ${status}: ${JSON.stringify(body).slice(0, 500)}`);
  }
  async function all(): Promise<AllDeclared> {
    const reply = await plane.admin("GET", collection);
    must(reply, "listing");
    return new Map((reply.body as { items: DeclaredRequest[] }).items.map((item) => [item.metadata.name, item]));
  }
  return {
    collection,
    async create(name, spec) {
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { name }, spec };
      let reply = await plane.admin("POST", collection, object);
      for (let tries = 0; reply.status === 429 && tries < 100; tries += 1) {
        await sleep(100); // an API server that has just started asks for patience
        reply = await plane.admin("POST", collection, object);
      }
      must(reply, `creating ${name}`);
    },
    async change(name, spec) {
      must(await plane.adminPatch(`${collection}/${name}`, { spec }), `changing ${name}`);
    },
    async annotate(name, annotations) {
      must(await plane.adminPatch(`${collection}/${name}`, { metadata: { annotations } }), `annotating ${name}`);
    },
    async remove(name) {
      must(await plane.admin("DELETE", `${collection}/${name}`), `deleting ${name}`);
    },
    all,
    async until(what, isSo, timeoutMs = 60_000) {
      const giveUpMs = performance.now() + timeoutMs;
      for (;;) {
        const seen = await all().catch(() => new Map<string, DeclaredRequest>()); // an API server that has just started asks for patience
        if (seen.size > 0 && isSo(seen)) return seen;
        if (performance.now() > giveUpMs) {
          throw new Error(`${what}: not so within ${timeoutMs} ms:\n${[...seen.values()].map(summary).join("\n")}`);
        }
        await sleep(100);
      }
    },
  };
}

/** The reason of Ready, with `Stalled/` before it where it is stalled; `""` while there is none for this generation. */
export function stateOf(request: DeclaredRequest | undefined): string {
  const conditions = request?.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  if (!ready || request?.status?.observedGeneration !== request?.metadata.generation) return "";
  const isStalled = conditions.some(({ type, status }) => type === "Stalled" && status === "True");
  return `${ready.status === "True" ? "Ready" : isStalled ? "Stalled" : "NotReady"}/${ready.reason}`;
}
export function isReady(request: DeclaredRequest | undefined): boolean {
  return stateOf(request).startsWith("Ready/");
}

function summary(request: DeclaredRequest): string {
  const { phase, tries } = request.status?.attempt ?? {};
  return `${request.metadata.name}: ${stateOf(request)} ${phase ?? ""} ${tries ?? ""}`;
}
