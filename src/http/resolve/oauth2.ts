/** The values by which a token server is asked, read and checked. */
import type { OAuth2Request, OAuth2Sources } from "../../core/auth.ts";
import type { Read } from "../../core/ports.ts";
import type { Source } from "../../core/source.ts";
import { refuse } from "../refusal.ts";
import { credentialText, longestCredential, pem, refuseFor, tooLong } from "./credential-text.ts";
import { resolveText } from "./inputs.ts";
import { resolveToken, type ResolvedToken } from "./token-source.ts";

export type OAuth2Settings = OAuth2Request<string, ResolvedToken>;
type Grant = NonNullable<OAuth2Settings["grant"]>;

/** `field`: where they are written. Throws `RefusedError`. */
export async function resolveOAuth2(sources: OAuth2Sources, field: string, read: Read): Promise<OAuth2Settings> {
  const { clientID, client, grant, parameters, ...rest } = sources;
  if (!URL.canParse(rest.tokenURL)) refuse("InvalidURL", `${field}.tokenURL: this is no URL`);
  return {
    ...rest,
    ...(clientID && { clientID: await credentialText(clientID, read) }),
    client: await resolveClient(client, read),
    ...(grant && { grant: await resolveGrant(grant, read) }),
    ...(parameters && { parameters: await parametersOf(parameters, read) }),
  };
}

function parametersOf(
  parameters: NonNullable<OAuth2Sources["parameters"]>,
  read: Read,
): Promise<NonNullable<OAuth2Settings["parameters"]>> {
  return Promise.all(parameters.map(async ({ name, value }) => ({ name, value: await parameterText(value, read) })));
}
/** A parameter may be empty, or have several lines. */
async function parameterText(source: Source, read: Read): Promise<string> {
  const text = (await resolveText(source, read)) ?? "";
  return text.length <= longestCredential ? text : refuseFor(source, tooLong);
}

async function resolveClient(client: OAuth2Sources["client"], read: Read): Promise<OAuth2Settings["client"]> {
  switch (client.type) {
    case "secret":
      return { ...client, secret: await credentialText(client.secret, read) };
    case "privateKey":
      return { ...client, key: await pem(client.key, read) };
    case "assertion":
      return { ...client, assertion: await resolveToken(client.assertion, read) };
    case "none":
      return client;
  }
}

async function resolveGrant(grant: NonNullable<OAuth2Sources["grant"]>, read: Read): Promise<Grant> {
  const line = (source: Source): Promise<string> => credentialText(source, read);
  switch (grant.type) {
    case "clientCredentials":
      return grant;
    case "password":
      return { ...grant, username: await line(grant.username), password: await line(grant.password) };
    case "refreshToken":
      return { ...grant, token: await line(grant.token) };
    case "jwtBearer":
      return { ...grant, assertion: await resolveToken(grant.assertion, read) };
    case "tokenExchange": {
      const { subject, actor, ...rest } = grant;
      return {
        ...rest,
        subject: await resolveToken(subject, read),
        ...(actor && { actor: await resolveToken(actor, read) }),
      };
    }
  }
}
