/** Values that pass through where nobody may see them. Invariant: whatever prints one prints three asterisks. */

/** A value that only the folder `http` opens, and what stores it. Whatever prints it prints three asterisks. */
export interface Redacted<T> {
  open(): T;
  toJSON(): "***";
}

/** The value itself stays where it is: `open` gives back the same object. Two of them are never deeply equal. */
export function redact<T>(value: T): Redacted<T> {
  return { open: () => value, toJSON: () => "***" };
}
