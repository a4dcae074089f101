/**
 * What the status of a live object says: by what its remote object is known, and whether its request has been sent.
 *
 * Invariant: where an object may be there and its id is not known, what is made of it is suspended: else a second one would be
 * created.
 */
import { assumeDoneAnnotation, externalIdAnnotation } from "../core/resource.ts";
import { parseJSON } from "../core/tools/json.ts";
import { idText } from "./id-text.ts";
import type { PeerDisposable, PeerRequest } from "./peer-object.ts";
import { isSuccess, type PeerAnswer } from "./peer-schema.ts";
import { placeholdersIn } from "./placeholders.ts";
import { isBehind, looksWhereItDid, type Look } from "./verify.ts";
import type { Translating } from "./translation.ts";

type Spec = Readonly<Record<string, unknown>>;

/** What is to be added to what the object becomes. */
export interface Taken {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly suspend?: true;
  /** Where it would look, held against where it looked there. */
  readonly look?: Look;
}

/** `spec`: what the Request has become. */
export async function takenIdentity(
  object: PeerRequest,
  spec: Spec,
  { programs, findings, form, reach }: Translating,
): Promise<Taken> {
  const { status, async, metadata } = object;
  const { externalID } = spec;
  const named = metadata.annotations?.["crossplane.io/external-name"];
  const known = async ? (status?.externalRef ?? (named === metadata.name ? undefined : named)) : undefined;
  if (known !== undefined && known !== "") return { annotations: { [externalIdAnnotation]: known } };
  const { response, cache, requestDetails } = status ?? {};
  const answers = [response, cache?.response].flatMap((one) => (one && isSuccess(one) ? [one] : []));
  const wasSent = statusOf(response) !== 0 || statusOf(cache?.response) !== 0;
  if (typeof externalID !== "string" || !wasSent) return {};
  // Where it is served people write it on the object itself.
  const written = reach && metadata.annotations?.[externalIdAnnotation];
  const byHand: Taken | undefined = written ? { annotations: { [externalIdAnnotation]: written } } : undefined;
  for (const answer of answers) {
    const [found] = await programs.run(externalID, { inputs: {}, parameters: spec["parameters"] ?? null }, [answerHere(answer)]);
    const id = found?.type === "value" ? idText(found.value) : undefined;
    if (id === undefined) continue;
    if (placeholdersIn(id).length === 0) {
      const isLook = form === "readable" && answer === response && requestDetails?.method === "GET";
      if (isLook && (await isBehind(object, answer, { programs })))
        findings.add(
          "WARN",
          "status.response",
          "its last answer has not all that update sends: an update was due there, and is here",
        );
      const look = await looksWhereItDid(object, spec, { id, answer }, { programs });
      return { annotations: { [externalIdAnnotation]: id }, look };
    }
    if (byHand) return byHand;
    findings.add(
      "HARD",
      "status.response",
      "its id is masked there, since a Secret holds it: put it into the annotation holdfast.dev/external-id, and take suspend off",
    );
    return { suspend: true };
  }
  // There such an object had not been created.
  if (answers.length === 0 && requestDetails?.method === "POST" && statusOf(response) >= 400) return {};
  if (byHand) return byHand;
  findings.add(
    "HARD",
    "status.response",
    "its id is not known, and without it a second object would be created: put it into the annotation holdfast.dev/external-id, and take suspend off",
  );
  return { suspend: true };
}

/** Of a DisposableRequest: what has been sent is not sent again. */
export function takenDelivery({ spec, status }: PeerDisposable, { findings }: Translating): Taken {
  // What could not be sent for want of a Secret has failed, too.
  const { requestDetails, lastReconcileTime } = status ?? {};
  const wasTried = (status?.failed ?? 0) > 0 && (requestDetails !== undefined || lastReconcileTime !== undefined);
  if (!status || (statusOf(status.response) === 0 && status.synced !== true && !wasTried)) return {};
  const { rollbackRetriesLimit: limit, shouldLoopInfinitely: loops = false, nextReconcile } = spec.forProvider;
  const done = { annotations: { [assumeDoneAnnotation]: "true" } };
  if (status.synced === true) {
    if (loops && nextReconcile !== undefined)
      findings.add(
        "WARN",
        "nextReconcile",
        `its next run there was ${nextReconcile} after ${status.lastReconcileTime ?? "the last one"}; here it is ${nextReconcile} after it is created`,
      );
    return done;
  }
  if (limit !== undefined && (status.failed ?? 0) >= limit) {
    findings.add("WARN", "status.failed", "it had been given up there: it is taken for done here");
    return done;
  }
  findings.add("WARN", "status.synced", "it is still being tried there: it is suspended here, until somebody has looked at it");
  return { suspend: true };
}

function statusOf(answer: PeerAnswer | undefined): number {
  return answer?.statusCode ?? 0;
}

/** As expressions see an answer here. */
function answerHere({ statusCode, headers = {}, body = "" }: PeerAnswer): object {
  const fields = Object.entries(headers).map(([name, values]): [string, unknown] => {
    const small = name.toLowerCase();
    return [small, small === "set-cookie" ? values : values.join(", ")];
  });
  return { statusCode, headers: Object.fromEntries(fields), body: contentHere(body), text: body };
}
function contentHere(text: string): unknown {
  if (text === "") return null;
  try {
    return parseJSON(text);
  } catch {
    return text;
  }
}
