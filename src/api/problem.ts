/** What is wrong with a value, and where. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly at: Path;
  /** The same as text: `spec.headers[0].name`. */
  readonly path: string;
  /** Reads like the API server's. Quotes no value that could be a secret. */
  readonly message: string;
}

export function problem(at: Path, message: string): Problem {
  return { at, path: pathText(at), message };
}

/** `spec.headers[0].name`; a key that is no plain word stands in brackets: `data["tls.crt"]`. */
export function pathText(at: Path): string {
  return at.map(stepText).join("").replace(/^\./, "");
}

function stepText(step: string | number): string {
  if (typeof step === "number") return `[${step}]`;
  if (/^[A-Za-z_][\w-]{0,62}$/.test(step)) return `.${step}`;
  return `[${JSON.stringify(step.length > 64 ? `${step.slice(0, 64)}…` : step)}]`;
}
