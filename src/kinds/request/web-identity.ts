/** How AWS STS is asked for a role's credentials. Pure. */
import type { Auth } from "../../api/auth.ts";
import type { WebIdentity } from "../../core/auth.ts";
import { serviceAccountRequest } from "./token-source.ts";

type Declared = NonNullable<NonNullable<Auth["awsSigV4"]>["webIdentity"]>;

/** Seconds, the least that the API server gives: the token is used at once, and once. */
const tokenSeconds = 600;
/** Characters, as AWS has it. */
const longestSessionName = 64;

/** `signed.field`: where it is written; `namespace`: of the ServiceAccount. */
export function webIdentity(
  { roleARN, serviceAccountName, audience, sessionName, durationSeconds, stsURL }: Declared,
  { field, region, service }: { readonly field: string; readonly region: string; readonly service: string },
  namespace: string,
): WebIdentity {
  const account = { serviceAccountName, audience, expirationSeconds: tokenSeconds };
  return {
    type: "awsWebIdentity",
    region,
    service,
    stsURL: stsURL ?? regionalURL(region),
    roleARN,
    sessionName: sessionName ?? `holdfast-${namespace}`.slice(0, longestSessionName),
    durationSeconds,
    token: { field, type: "serviceAccount", request: serviceAccountRequest(account, namespace) },
  };
}

/** https://docs.aws.amazon.com/general/latest/gr/sts.html */
function regionalURL(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}
