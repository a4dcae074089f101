/** How an endpoint's requests prove who sends them, as sources that say where they were written. Pure. */
import type { Auth } from "../../api/auth.ts";
import type { AuthSources } from "../../core/auth.ts";
import type { Owner } from "../../core/output.ts";
import { loginSources, type LoginEndpoint } from "./login.ts";
import { oauth2Sources } from "./oauth2.ts";
import { source, type From } from "./sources.ts";
import { serviceAccountRequest } from "./token-source.ts";
import { webIdentity } from "./web-identity.ts";

/** Of the endpoint: what of it a login uses, the namespace of its ServiceAccounts, and whose a Secret is that it makes. */
interface OwnParts extends LoginEndpoint {
  readonly namespace: string;
  readonly owner: Owner;
}
/** `spec`: where the endpoint's is written. */
export function authSources(auth: Auth, spec: From, own: OwnParts): AuthSources {
  const at = (field: string): From => ({ ...spec, field: `${spec.field}.auth.${field}` });
  const { basic, bearer, apiKey, oauth2, awsSigV4, serviceAccountToken, login, digest, registry } = auth;
  if (basic) {
    const [username, password] = [source(at("basic.username"), basic.username), source(at("basic.password"), basic.password)];
    return { ...at("basic"), type: "basic", username, password };
  }
  if (bearer) return { ...at("bearer"), type: "bearer", token: source(at("bearer.token"), bearer.token) };
  if (apiKey)
    return { ...at("apiKey"), type: "apiKey", in: apiKey.in, name: apiKey.name, value: source(at("apiKey.value"), apiKey.value) };
  if (oauth2) return { ...at("oauth2"), ...oauth2Sources(oauth2, at, own) };
  if (awsSigV4) {
    const { region, service, accessKeyID, secretAccessKey, sessionToken } = awsSigV4;
    const role = awsSigV4.webIdentity;
    if (role)
      return { ...at("awsSigV4"), ...webIdentity(role, { region, service, ...at("awsSigV4.webIdentity") }, own.namespace) };
    if (!accessKeyID || !secretAccessKey) throw new Error("awsSigV4 without a key: the schema forbids it");
    return {
      ...at("awsSigV4"),
      type: "awsSigV4",
      region,
      service,
      accessKeyID: source(at("awsSigV4.accessKeyID"), accessKeyID),
      secretAccessKey: source(at("awsSigV4.secretAccessKey"), secretAccessKey),
      ...(sessionToken && { sessionToken: source(at("awsSigV4.sessionToken"), sessionToken) }),
    };
  }
  if (digest) {
    const { username, password, algorithms, realm } = digest;
    const user = { username: source(at("digest.username"), username), password: source(at("digest.password"), password) };
    return { ...at("digest"), type: "digest", ...user, algorithms, ...(realm !== undefined && { realm }) };
  }
  if (registry) {
    const { tokenURL, username, password } = registry;
    const user = username &&
      password && {
        username: source(at("registry.username"), username),
        password: source(at("registry.password"), password),
      };
    return { ...at("registry"), type: "registry", tokenURL, ...(user && { user }) };
  }
  if (login) return { ...at("login"), ...loginSources(login, at("login"), own) };
  if (!serviceAccountToken) throw new Error("auth without any of its fields: the schema forbids it");
  const request = serviceAccountRequest(serviceAccountToken, own.namespace);
  return { ...at("serviceAccountToken"), type: "serviceAccountToken", request };
}
