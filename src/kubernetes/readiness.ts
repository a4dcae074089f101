/** What a readiness probe says of one watch, for whoever has to mend it. */
import { ApiError, ApiUnreachableError } from "./api-error.ts";
import type { End } from "./reflector-state.ts";

interface WatchReadiness {
  readonly resource: string;
  /** All there is has been told, and the server still lets us watch it. A connection that broke for a moment heals without a word. */
  readonly ready: boolean;
  readonly text: string;
}

export interface WatchState extends WatchReadiness {
  /** Seconds since the API server was last heard on it: an event, a bookmark, or the connection itself. */
  readonly silentSecs: number;
}

/** An API server that restarts is back by then. */
const cutOffSecs = 60;

/** What one watch has come to. `problem`: what ended last, where nothing has worked since. */
interface Watched {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly hasListed: boolean;
  readonly problem: End | undefined;
  readonly silentSecs: number;
}
export function readiness({ resource, namespace, hasListed, problem, silentSecs }: Watched): WatchReadiness {
  const what = namespace === undefined ? resource : `${resource} in namespace ${namespace}`;
  const refused = [401, 403, 404].includes(problem?.status ?? 0);
  const isCutOff = problem !== undefined && silentSecs > cutOffSecs;
  const idle = hasListed ? `watching ${what}` : `listing ${what}`;
  return { resource, ready: hasListed && !refused && !isCutOff, text: problem ? `waiting: ${explain(problem, what)}` : idle };
}

function explain({ status, reason, error }: End, what: string): string {
  if (status === 401) return "the API server does not accept this process's credentials";
  if (status === 403) return `the API server does not let this process list and watch ${what}: is its role bound?`;
  if (status === 404) return `the API server has no ${what}: are the CRDs installed?`;
  if (error instanceof ApiUnreachableError)
    return `the API server is away (${error.code}): nothing is sent, and ${what} is watched again once it is back`;
  const known = error instanceof ApiError;
  return `the watch of ${what} ended (${known ? error.message : reason}) and will be opened again`;
}
