/** Values that pass through where nobody may see them. Invariant: whatever prints one prints three asterisks. */

/** A value that only the folder `http` opens, and what stores it. Whatever prints it prints three asterisks. */
export interface Sealed<T> {
  open(): T;
  toJSON(): "***";
}

export function sealed<T>(value: T): Sealed<T> {
  return { open: () => value, toJSON: () => "***" };
}
