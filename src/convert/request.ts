/** A Request, which keeps a remote object, as an HTTPResource. */
import { logicOf, saysNotFound, statusesIn } from "./checks.ts";
import { finalStatuses, keptBy, keptProgram, logicWithKept } from "./async.ts";
import { onOneLine } from "./programs.ts";
import { durationHere, hasLargeNumber, programRoot } from "./root.ts";
import { createIdentities } from "./identity.ts";
import { lookupOf } from "./lookup.ts";
import { mappedActions, mappingOf, type Mapped } from "./mappings.ts";
import { outputsOf } from "./outputs.ts";
import type { PeerRequest } from "./peer-object.ts";
import { examineMapped, type ExaminedRequest } from "./examined-request.ts";
import { renderRequest, sentText } from "./render.ts";
import { createWrapper, type Wrapper } from "./wrapper.ts";
import type { Translating } from "./translation.ts";

type Spec = Readonly<Record<string, unknown>>;
type OfRequest = Translating & { readonly object: PeerRequest };

/** Undefined: it did nothing there, or cannot be translated. */
export async function resourceSpec(one: OfRequest): Promise<Spec | undefined> {
  const { object, findings, inputs } = one;
  const { forProvider: parameters } = object.spec;
  const mapped = mappedActions(object, findings);
  const looks = mapped.some(({ action }) => action === "OBSERVE");
  if (!looks && !one.choices.force) {
    findings.add(
      "HARD",
      mappingOf(object, "OBSERVE") ? "managementPolicies" : "mappings",
      "no OBSERVE is sent: there every reconcile failed, and nothing was ever created",
    );
    return undefined;
  }
  const root = programRoot(parameters);
  if (hasLargeNumber(root))
    findings.add(
      "INFO",
      "payload.body",
      "integers beyond 2^53 are sent as they are written, up to 64 bits, and beyond those rounded; there they were rounded",
    );
  const wrapper = createWrapper(root, inputs);
  const { externalRef } = parameters;
  const kept =
    object.async && externalRef !== undefined && externalRef !== ""
      ? [[keptProgram, keptBy(externalRef, wrapper, findings)] as const]
      : [];
  const identities = createIdentities(new Map(kept));
  const examined: ExaminedRequest[] = [];
  for (const each of mapped) examined.push(await examineMapped(each, { ...one, root, wrapper, identities }));
  const identity = identities.decide();
  const parts = { ...one, wrapper, identity, identities };
  const requests = Object.fromEntries(
    examined.flatMap((each) => {
      const request = renderRequest(each, parts);
      return request ? [[each.mapped.verb, request]] : [];
    }),
  );
  if (looks ? !requests["observe"] : !requests["create"]) return undefined;
  lookAtWays(mapped, one);

  const update = examined.find((each) => each.mapped.action === "UPDATE");
  const checks = await checksOf({ ...one, root, wrapper }, mapped, update && sentText(update, parts));
  const outputs = await outputsOf(one);
  const timeout = timeoutOf(parameters.waitTimeout, one);
  const seen = mapped.find(({ action }) => action === "OBSERVE");
  const mayLookUp = requests["create"] !== undefined && Object.keys(checks.spec).length === 0;
  const lookup = seen && requests["observe"] && lookupOf(seen, requests["observe"], identity.program, { findings, mayLookUp });
  const parametersHere = wrapper.parameters();
  const declared = inputs.declared();
  const final = await finalStatuses(object, one);
  if (identity.program !== undefined && requests["create"] && parameters.allowedStatusCodes?.some((code) => code >= 400))
    findings.add(
      "CHANGE",
      "allowedStatusCodes",
      "an error that is allowed has to answer with the id; there the next look failed",
    );
  return {
    ...(parametersHere !== undefined && { parameters: parametersHere }),
    ...(identity.program !== undefined && !lookup && { externalID: identity.program }),
    ...withExpectations(
      lookup ? { lookup, ...without(requests, "observe") } : requests,
      parameters.allowedStatusCodes,
      checks.observed,
    ),
    ...checks.spec,
    ...(object.spec.deletionPolicy === "Orphan" && { deletionPolicy: "Orphan" }),
    interval: one.interval,
    timeout,
    ...(final && { retry: { never: final } }),
    ...redirectsOf(one),
    ...(one.connection.tls && { tls: one.connection.tls }),
    ...(Object.keys(declared).length > 0 && { inputs: declared }),
    ...(outputs.length > 0 && { outputs }),
    ...(lookup && { suspend: true }),
  };
}

function without(requests: Readonly<Record<string, Spec>>, verb: string): Readonly<Record<string, Spec>> {
  return Object.fromEntries(Object.entries(requests).filter(([name]) => name !== verb));
}

export function redirectsOf({ form, choices }: Pick<Translating, "form" | "choices">): Spec {
  return form === "exact" || choices.keepRedirects ? { maxRedirects: 10 } : {};
}

export function timeoutOf(waitTimeout: string | undefined, { findings }: Pick<Translating, "findings">): string {
  const asThere = "5m";
  if (waitTimeout === undefined) return asThere;
  const here = durationHere(waitTimeout);
  if (here === undefined)
    findings.add("CHANGE", "waitTimeout", `it is no duration that can be written here: ${asThere} is, what it was without one`);
  return here ?? asThere;
}

/** What is otherwise because of a request that is there, or not. */
function lookAtWays(mapped: readonly Mapped[], { object, findings, choices }: OfRequest): void {
  const has = (action: string): boolean => mapped.some((one) => one.action === action);
  const custom = object.spec.forProvider.expectedResponseCheck?.type === "CUSTOM";
  if (!has("REMOVE") && has("CREATE"))
    findings.add(
      "CHANGE",
      "mappings",
      "there is no REMOVE: the object's deletion never ended there; here it ends, and the remote object stays",
    );
  if (!has("UPDATE") && custom && !choices.readyOnDrift)
    findings.add(
      "CHANGE",
      "expectedResponseCheck",
      "there is no UPDATE: an object that is not as expected is not Ready here (Drifted); there nothing came of it",
    );
}

interface Checks {
  readonly spec: Spec;
  /** Statuses of answers to observe that are looked at, beside success. */
  readonly observed: readonly string[];
}

async function checksOf(
  one: OfRequest & { readonly root: object; readonly wrapper: Wrapper },
  mapped: readonly Mapped[],
  updateText: string | undefined,
): Promise<Checks> {
  const { object, findings, wrapper, programs, root } = one;
  const {
    expectedResponseCheck: expected,
    isRemovedCheck: removed,
    secretInjectionConfigs: written = [],
  } = object.spec.forProvider;
  const spec: Record<string, unknown> = {};
  let observed: readonly string[] = [];
  const leavesOut = one.choices.readyOnDrift && !mapped.some(({ action }) => action === "UPDATE");
  if (expected?.type === "CUSTOM" && leavesOut) {
    findings.add("DROP", "expectedResponseCheck", "there is no UPDATE, and whatever is there is Ready, as was asked for");
  } else if (expected?.type === "CUSTOM") {
    const logic = logicOf(logicWithKept(expected.logic ?? ""), "expectedResponseCheck", { written, findings });
    if (logic !== undefined) spec["upToDate"] = wrapper.wrap(logic);
  } else if (updateText !== undefined) {
    spec["upToDate"] = `(.response.text // "") | contains(${updateText})`;
    findings.add(
      "CHANGE",
      "expectedResponseCheck",
      "a body that is text was looked for within the answer there: upToDate does so here",
    );
  } else if (mapped.some(({ action }) => action === "UPDATE"))
    findings.add("INFO", "expectedResponseCheck", "lists and numbers are compared by value here, by their JSON text there");
  if (removed?.type === "CUSTOM") {
    const logic = logicOf(logicWithKept(removed.logic ?? ""), "isRemovedCheck", { written, findings });
    if (logic !== undefined && !(await saysNotFound(programs, root, logic))) {
      spec["exists"] = `${wrapper.wrap(logic)} | not`;
      observed = [...new Set(["404", ...statusesIn(logic)])];
      findings.add(
        "INFO",
        "isRemovedCheck",
        "an answer that it does not take for a removal, a 404 among them, says that the object is there, as it did there",
      );
    }
  }
  const exists = object.async ? object.spec.forProvider.resourceExistsCheck : undefined;
  if (exists?.type === "CUSTOM" && spec["exists"] === undefined) {
    const logic = logicWithKept(onOneLine(exists.logic ?? ""));
    spec["exists"] = wrapper.wrap(logic);
    observed = [...new Set(["404", ...statusesIn(logic)])];
  }
  for (const [name, check] of Object.entries({ expectedResponseCheck: expected, isRemovedCheck: removed }))
    if (check?.type !== undefined && !["", "DEFAULT", "CUSTOM"].includes(check.type))
      findings.add("HARD", `${name}.type`, "it is neither DEFAULT nor CUSTOM: it failed there, too");
  return { spec, observed };
}

/** `observed`: statuses of answers that say something of the object, though they are failures. */
function withExpectations(
  requests: Readonly<Record<string, Spec>>,
  allowed: readonly number[] = [],
  observed: readonly string[],
): Spec {
  const codes = [...new Set(allowed.filter((code) => code >= 400).map(String))];
  return Object.fromEntries(
    Object.entries(requests).map(([verb, request]) => {
      if (verb === "lookup") return [verb, request];
      if (verb === "observe")
        return [verb, observed.length > 0 ? { ...request, expect: { status: ["2xx", ...observed] } } : request];
      return [verb, codes.length > 0 ? { ...request, expect: { status: ["2xx", "3xx", ...codes] } } : request];
    }),
  );
}
