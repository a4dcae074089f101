/**
 * Which reconcile is under way, wherever its code is asked: a line of the log about its object can so be joined with the others.
 *
 * Node keeps it with each promise (AsyncContextFrame), which costs a microsecond for each reconcile and nothing for what it awaits.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ReconcileContext, RunInContext } from "../core/telemetry-event.ts";

export interface ReconcileContexts {
  readonly run: RunInContext;
  readonly current: () => ReconcileContext | undefined;
}

export function createReconcileContexts(): ReconcileContexts {
  const contexts = new AsyncLocalStorage<ReconcileContext>();
  return { run: (context, work) => contexts.run(context, work), current: () => contexts.getStore() };
}

/**
 * The same fields, and which reconcile they are of, where they are about its object. What is begun in one reconcile and serves
 * others, a watch or a token, is not taken for its own.
 */
export function withContext(
  fields: Readonly<Record<string, unknown>>,
  context: ReconcileContext | undefined,
): Readonly<Record<string, unknown>> {
  if (!context || fields["name"] !== context.name || fields["namespace"] !== context.namespace) return fields;
  const { reconcileId, kind, attemptId } = context;
  if (fields["kind"] !== undefined && fields["kind"] !== kind) return fields;
  return { kind, ...fields, reconcileId, ...(attemptId !== undefined && { attemptId }) };
}
