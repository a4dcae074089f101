/**
 * What the API server keeps of who wrote which field, taken out of an object's text before it is parsed: it is often most of it, as some
 * hundred objects of one key each, and nobody here reads it.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */

const begins = ',"managedFields":[';
/** Strings as a whole, whatever is in them; there is no list in a list of them. */
const managedFields = /,"managedFields":\[(?:[^"[\]]|"[^"\\]*(?:\\[^][^"\\]*)*")*\]/y;
/** Of a longer text little would be saved. */
const longestText = 64 * 1024;

/**
 * The same JSON without `metadata.managedFields`, of an object, or of an event of a watch; as it is where that is not certain.
 *
 * What is quoted as these keys are can only be keys: within a string a quotation mark has a backslash before it. And what comes before
 * spec and status is metadata, in which nothing else is so called that is a list.
 */
export function withoutManagedFields(text: string): string {
  const at = text.length > longestText ? -1 : text.indexOf(begins);
  if (at === -1) return text;
  const before = text.slice(0, at);
  if (before.includes('"spec":') || before.includes('"status":')) return text;
  managedFields.lastIndex = at;
  return managedFields.test(text) ? before + text.slice(managedFields.lastIndex) : text;
}
