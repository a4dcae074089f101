/** What a translation has to say of itself. No finding quotes what a Secret holds, or a header's value. */

/**
 * INFO: worth knowing, nothing differs in what is sent. FIX: it failed there, and works here. CHANGE: it behaves otherwise.
 * DROP: it has no counterpart, and is left out. STEP: somebody has to do something. CHOOSE: somebody has to choose.
 * WARN: look at it before it runs. HARD: it could not be translated.
 */
export type Level = "INFO" | "FIX" | "CHANGE" | "DROP" | "STEP" | "CHOOSE" | "WARN" | "HARD";

export interface Finding {
  readonly level: Level;
  /** Of the object that is translated: `mappings[0].url`. */
  readonly field: string;
  readonly message: string;
}

export interface Findings {
  add(level: Level, field: string, message: string): void;
  /** In the order in which they were made, each once. */
  all(): readonly Finding[];
}

export function createFindings(): Findings {
  const found = new Map<string, Finding>();
  return {
    add(level, field, message) {
      found.set(`${level} ${field} ${message}`, { level, field, message });
    },
    all: () => [...found.values()],
  };
}

/** A part of an object has no exact counterpart here; it was told of, and the part is left out. */
export function hasHard(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === "HARD");
}
