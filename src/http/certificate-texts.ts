/** What is wrong with a certificate, by X.509's codes as Node has them; of others nobody can tell more than that it is not valid. */
import type { Place } from "./place.ts";

type Text = (place: Place) => string;
interface Row {
  readonly codes: RegExp;
  readonly ofServer: Text;
  /** The endpoint's `tls` does not speak of its proxy: that is verified by what the process trusts. */
  readonly ofProxy: Text;
}

const server = ({ server = "the server" }: Place): string => server;

const rows: readonly Row[] = [
  {
    codes: /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|UND_ERR_PRX_TLS)$/,
    ofServer: (place) =>
      `the certificate of ${server(place)} is for other names; check the host, or say in ${place.tls}.serverName which name it has`,
    ofProxy: ({ proxy }) => `the certificate of ${proxy} is for other names; check the host in its URL`,
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    ofServer: (place) =>
      `the certificate of ${server(place)}, or of its authority, has expired; whoever runs the server has to renew it`,
    ofProxy: ({ proxy }) =>
      `the certificate of ${proxy}, or of its authority, has expired; whoever runs the proxy has to renew it`,
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    ofServer: (place) =>
      `the certificate of ${server(place)}, or of its authority, is not valid yet; check the clocks of both sides`,
    ofProxy: ({ proxy }) => `the certificate of ${proxy}, or of its authority, is not valid yet; check the clocks of both sides`,
  },
  {
    codes:
      /^(UNABLE_TO_(GET_ISSUER|VERIFY)\w*|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)$/,
    ofServer: (place) =>
      `the certificate of ${server(place)} is from an authority that is not trusted; give that authority's certificate in ${place.tls}.ca`,
    ofProxy: ({ proxy }) =>
      `the certificate of ${proxy} is from an authority that is not trusted; have Holdfast trust that by NODE_EXTRA_CA_CERTS, which is caBundle in the chart`,
  },
];

/** Undefined: nothing more exact is known of a server's. `isOfProxy`: it is the proxy's. undici has one code for a proxy's alone. */
export function certificateText(code: string, isOfProxy: boolean): Text | undefined {
  const row = rows.find(({ codes }) => codes.test(code));
  if (isOfProxy || code === "UND_ERR_PRX_TLS") return row?.ofProxy ?? (({ proxy }) => `the certificate of ${proxy} is not valid`);
  return row?.ofServer;
}
