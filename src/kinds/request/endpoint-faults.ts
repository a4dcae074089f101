/** What is wrong with an endpoint as it is written, and no rule of its schema can see. Pure. */
import { reservedNames } from "../../core/auth.ts";
import { headerAsRead } from "../../core/names-as-read.ts";
import { findTooLongAuth } from "../../core/object-size.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Owner } from "../../core/output.ts";
import { signedHeaders } from "../../core/sign.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import { authSources } from "./auth.ts";
import { signSources } from "./sources.ts";
import { httpEndpointType, type Endpoint } from "../types.ts";

/** Why nothing can be sent by it. */
export function endpointFault({ spec }: Pick<Endpoint, "spec">): Refusal | undefined {
  return faultOf(spec);
}
/** The spec is looked at for each request. */
const faultOf = oncePer(findFault);
function findFault(spec: Endpoint["spec"]): Refusal | undefined {
  const tooLong = spec.auth && findTooLongAuth(spec.auth);
  if (tooLong) return tooLong;
  const twice = setTwice(spec);
  if (twice === undefined) return undefined;
  const message = `spec.sign: sets the header ${twice}, which the credential or the trace is sent in`;
  return { type: "refusal", reason: "InvalidRequest", message, heals: false };
}

/** Names depend on no owner. */
const nobody: Owner = {
  type: httpEndpointType,
  metadata: { namespace: "", name: "", uid: "", generation: 0, resourceVersion: "" },
};
/** What a signature would replace: a request would leave without its credential, or its trace. */
function setTwice({ auth, sign, traceContext, ...spec }: Endpoint["spec"]): string | undefined {
  if (!sign) return undefined;
  const from = { field: "spec" };
  const ofAuth = auth ? reservedNames(authSources(auth, from, { ...spec, namespace: "", owner: nobody })).headers : [];
  const taken = [...ofAuth, ...(traceContext === "W3C" ? ["traceparent"] : [])].map(headerAsRead);
  return signedHeaders(signSources(sign, from)).find((name) => taken.includes(headerAsRead(name)));
}
