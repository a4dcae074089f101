/**
 * Each right that the chart's roles give the controller, by role, and what it is for: `verb resource` → what is done with it.
 *
 * Invariant: none is here that the controller does not use; `rights.test.ts` proves each from the API server's audit log.
 */
import type { PolicyRule } from "../support/chart-rights.ts";

type Uses = Readonly<Record<string, string>>;

export const rights: Readonly<Record<string, Uses>> = {
  holdfast: {
    ...ofKinds("httprequests", "httpresources", "httpendpoints"),
    "delete httprequests": "delete one that has finished, after as long as it says",
    "patch httpresources": "put a finalizer on it before there is something remote, and take it off",
    "patch httpendpoints": "put a finalizer on it before there is something remote that needs it to be deleted, and take it off",
    "get configmaps": "read what a request takes from one",
    "list configmaps": "see, where the API server streams no lists, which one has changed since",
    "watch configmaps": "see at once that one has changed",
    "create events": "tell of what has come about",
  },
  "holdfast-cluster-kinds": {
    ...ofKinds("clusterhttpendpoints", "egresspolicies"),
    "patch clusterhttpendpoints":
      "put a finalizer on it before there is something remote that needs it to be deleted, and take it off",
    "list namespaces": "know the labels by which policies choose them",
    "watch namespaces": "know at once that a label has changed",
  },
  "holdfast-secret-reader": {
    "get secrets": "read what a request takes from one",
    "list secrets": "see, where the API server streams no lists, which one has changed since",
    "watch secrets": "see at once that one has changed",
  },
  "holdfast-output-writer": {
    "get secrets": "see whether one that is there is its own",
    "create secrets": "write an output",
    "patch secrets": "write it anew",
    "create configmaps": "write an output",
    "patch configmaps": "write it anew",
  },
  "holdfast-impersonator": { "impersonate serviceaccounts": "read and write as the account that a request names" },
  "holdfast-token-requester": { "create serviceaccounts/token": "tell an endpoint's server who it is" },
  "holdfast-leader-election": {
    "create leases": "take the lease where there is none",
    "get leases": "know who leads",
    "watch leases": "know at once that nobody leads any more",
    "patch leases": "renew it, and let go of it",
  },
  "holdfast-digest-key": {
    "get secrets": "read the key of digests of Secrets",
    "patch secrets": "make it, once",
  },
  "holdfast-metrics-auth": {
    "create tokenreviews": "know who asks for the metrics",
    "create subjectaccessreviews": "know whether they may",
  },
};
/** They are people's and Prometheus', and not the controller's. */
export const rolesOfOthers: readonly string[] = ["holdfast-viewer", "holdfast-editor", "holdfast-metrics-reader"];

function ofKinds(...plurals: readonly string[]): Uses {
  const uses = plurals.map((plural) => ({
    [`get ${plural}`]: "see what somebody else has changed while it was worked on",
    [`list ${plural}`]: "learn of all, where the API server streams no lists",
    [`watch ${plural}`]: "learn of each change",
    [`patch ${plural}/status`]: "say how it stands",
  }));
  return Object.assign({}, ...uses) as Uses;
}

/** As the keys above have them. */
export function rightsOf(rules: readonly PolicyRule[]): readonly string[] {
  return rules.flatMap(({ verbs, resources = [] }) => verbs.flatMap((verb) => resources.map((one) => `${verb} ${one}`)));
}
