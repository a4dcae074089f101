/** Manifests as text, for tests that read files. */

/** Of a request named ada, up to its spec. */
export const head = "apiVersion: holdfast.dev/v1alpha1\nkind: HTTPRequest\nmetadata:\n  name: ada\n";
export const request = `${head}spec:\n  url: http://localhost/\n`;
export const named = (name: string): string => request.replace(": ada", `: ${name}`);
export const secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: token\n";
