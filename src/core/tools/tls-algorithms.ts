/**
 * What every TLS client of this process offers: no finite-field Diffie-Hellman, whose parameters a server chooses and whose
 * arithmetic would be done on the event loop, 0.5 s and more for 16,384 bits. Whoever speaks TLS 1.2 has elliptic curves.
 */
import { DEFAULT_CIPHERS } from "node:tls";

/** Under the names of node:tls; `ecdhCurve` names the groups of TLS 1.3, too (RFC 8446, section 4.2.7). */
export const tlsAlgorithms = {
  ciphers: `${DEFAULT_CIPHERS}:!DHE`,
  ecdhCurve: "X25519MLKEM768:X25519:P-256:P-384:P-521",
} as const;
