/** Header fields as they are sent: nothing in them can end a line or speak for the connection. */
import { refuse } from "../refusal.ts";
import type { HeaderRecord } from "../wire-request.ts";

export interface HeaderField {
  readonly field: string;
  readonly name: string;
  readonly value: string;
}
/** The client sets them itself (RFC 9110, section 7.6.1; RFC 9112, section 6). */
const reserved = new Set(
  "host content-length transfer-encoding connection keep-alive upgrade te trailer expect proxy-connection proxy-authorization".split(
    " ",
  ),
);

/** Throws `RefusedError`. Values are checked against what RFC 9110, section 5.5 allows. */
export function headerRecord(fields: readonly HeaderField[]): HeaderRecord {
  const byName = new Map<string, string | string[]>();
  for (const { field, name, value } of fields) {
    const key = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(key)) refuse("InvalidRequest", `${field}: this is no header name`);
    if (reserved.has(key))
      refuse("InvalidRequest", `${field}: the header ${name} is set by the client itself and cannot be declared`);
    checkValue(field, value);
    const before = byName.get(key);
    byName.set(key, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(byName);
}

/** Characters: servers take less, 8 or 16 Ki as a rule. */
const longestValue = 65_536;

function checkValue(field: string, value: string): void {
  if (value.length > longestValue) refuse("InvalidRequest", `${field}: the value is longer than ${longestValue} characters`);
  if (/[\r\n]/.test(value))
    refuse(
      "InvalidRequest",
      `${field}: the value holds a line break; a Secret that was made with echo ends in one (use echo -n)`,
    );
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    refuse("InvalidRequest", `${field}: the value holds a control character, or one outside Latin-1; encode it, with @uri say`);
}
