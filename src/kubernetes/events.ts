/**
 * Events (`events.k8s.io/v1`), by which `kubectl describe` and `kubectl events` tell of a transition.
 *
 * Invariant: nobody waits for one. They are written one after another, so that a fleet that fails at once does not crowd
 * out status writes, and what cannot be written is dropped and said so in the log.
 * https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
import { withoutAtEnd } from "../core/tools/text-end.ts";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { TransitionEvent } from "../core/transition-event.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Announce } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { ApiClient } from "./api-client.ts";
import { collectionPath } from "./paths.ts";

const eventType: ResourceType = { group: "events.k8s.io", version: "v1", kind: "Event", plural: "events" };

/** Beyond this many waiting, further ones are dropped. */
const maxPending = 1_000;
const callTimeoutMs = 5_000;
/** How long the end of the process may wait for those that are pending. */
const flushMs = 1_000;
/** The API server's limits: bytes of a note, and the length of an object's name. */
const maxNoteBytes = 1_024;
const maxNameLength = 253;

interface EventsSettings {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  /** This process, for people. */
  readonly instance: string;
}
interface Events extends AsyncDisposable {
  readonly announce: Announce;
}

/** Disposing waits a moment for what is pending. */
export function createEvents({ client, emit, instance }: EventsSettings): Events {
  const pending: EventObject[] = [];
  const stop = new AbortController();
  let writing: Promise<void> | undefined;
  /** Lost since the last one that was written. */
  let lost = 0;

  function lose(error?: unknown): void {
    lost += 1;
    if (lost === 1) emit({ type: "note", level: "warn", message: "an event could not be written", error });
  }
  async function write(): Promise<void> {
    for (let body = pending.shift(); body; body = pending.shift()) {
      try {
        const path = collectionPath(eventType, body.metadata.namespace);
        await client.call({ method: "POST", path, body, timeoutMs: callTimeoutMs }, stop.signal);
        lost = 0;
      } catch (error) {
        if (stop.signal.aborted) return;
        lose(error);
      }
    }
    writing = undefined;
  }

  return {
    announce(type, resource, transition) {
      if (pending.length >= maxPending) return lose();
      pending.push(event({ type, resource, transition, instance }));
      writing ??= write();
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([writing, sleep(flushMs, undefined, { ref: false })]);
      stop.abort(new Error("the process ends"));
      await writing;
    },
  };
}

interface EventObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
}
interface Told {
  readonly type: ResourceType;
  readonly resource: Resource;
  readonly transition: TransitionEvent;
  readonly instance: string;
}
function event({ type, resource, transition, instance }: Told): EventObject {
  const { name, namespace, uid } = resource.metadata;
  const suffix = `.${randomUUID().slice(0, 13)}`;
  const prefix = withoutAtEnd(name.slice(0, maxNameLength - suffix.length), "-.");
  const eventFields = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    // What belongs to no namespace has its events in `default`, as the API server demands.
    metadata: { name: `${prefix}${suffix}`, namespace: namespace === "" ? "default" : namespace },
    eventTime: new Date().toISOString().replace("Z", "000Z"), // a MicroTime has six digits
    type: transition.type,
    reason: transition.reason,
    action: "Reconcile",
    note: cut(transition.message),
    regarding: { apiVersion: `${type.group}/${type.version}`, kind: type.kind, name, namespace, uid },
    reportingController: "holdfast.dev/controller",
    reportingInstance: instance.slice(0, 128),
  };
  return eventFields;
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= maxNoteBytes) return message;
  return `${bytes
    .subarray(0, maxNoteBytes - 4)
    .toString()
    .replace(/\uFFFD$/, "")}…`;
}
