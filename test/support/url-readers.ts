/**
 * How servers of different kinds read a request target's path, each written here on its own and from the other end than the
 * product does it: these walk, where that looks for what could make somebody walk. The oracle of what stays below a base.
 */

/** A path as a server takes it apart, from the raw request target. */
type Reader = (path: string) => string;

function decodedBytes(path: string): Buffer {
  const bytes: number[] = [];
  const raw = Buffer.from(path);
  for (let index = 0; index < raw.length; index += 1) {
    const hex = raw.subarray(index + 1, index + 3).toString("latin1");
    if (raw[index] === 0x25 && /^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      index += 2;
    } else bytes.push(raw[index] ?? 0);
  }
  return Buffer.from(bytes);
}
const decoded: Reader = (path) => decodedBytes(path).toString();
const latin1: Reader = (path) => decodedBytes(path).toString("latin1");

/** By the bits of each lead byte alone, as decoders did that take overlong forms: c0 ae and e0 80 ae are a dot. */
const overlong: Reader = (path) => {
  const bytes = decodedBytes(path);
  let text = "";
  for (let index = 0; index < bytes.length;) {
    const lead = bytes[index] ?? 0;
    const more = lead >= 0xfc ? 5 : lead >= 0xf8 ? 4 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    let code = more === 0 ? lead : lead & (0x3f >> more);
    for (let next = 1; next <= more; next += 1) code = (code << 6) | ((bytes[index + next] ?? 0) & 0x3f);
    text += code > 0 && code < 0x110000 ? String.fromCodePoint(code) : "\u0000";
    index += more + 1;
  }
  return text;
};
const withoutParameters: Reader = (path) => path.replace(/;[^/]*/g, "");
const slashed: Reader = (path) => path.replaceAll("\\", "/").replace(/\/+/g, "/");
const fullwidth: Reader = (path) =>
  path
    .normalize("NFKC")
    .replace(/[\u2044\u2215]/g, "/")
    .replace(/\u2216/g, "\\");
const until =
  (stop: RegExp | string): Reader =>
  (path) =>
    path.split(stop, 1)[0] ?? "";
const without =
  (what: RegExp): Reader =>
  (path) =>
    path.replace(what, "");
/** A segment of dots goes up by one fewer than it has, as DOS had it; spaces and dots at the end of a name are none of it. */
const dosNames: Reader = (path) =>
  path
    .split("/")
    .map((segment) => segment.replace(/^[\s.]*\.[\s.]*$/, (dots) => dots.replace(/\s/g, "")))
    .flatMap((segment) => (/^\.{3,}$/.test(segment) ? Array.from(segment.slice(1), () => "..") : [segment]))
    .join("/");
const iisUnicode: Reader = (path) =>
  path.replace(/%u([0-9a-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const inOrder =
  (...steps: readonly Reader[]): Reader =>
  (path) =>
    steps.reduce((text, step) => step(text), path);

export const readers: Readonly<Record<string, Reader>> = {
  "as it stands (RFC 3986)": (path) => path,
  "the WHATWG's URL": (path) => new URL(`http://reader.example${path}`).pathname,
  "decoded once (Go, Node)": decoded,
  "decoded twice (a proxy before a server)": inOrder(decoded, decoded),
  "decoded three times": inOrder(decoded, decoded, decoded),
  "parameters dropped, then decoded (Tomcat, Jetty)": inOrder(withoutParameters, decoded),
  "decoded, then parameters dropped (Spring)": inOrder(decoded, withoutParameters),
  "decoded, parameters dropped, decoded": inOrder(decoded, withoutParameters, decoded, withoutParameters),
  "backslashes and doubled slashes are slashes (IIS, nginx)": inOrder(decoded, slashed),
  "the same before it is decoded": inOrder(slashed, decoded, slashed),
  "the same, decoded twice": inOrder(decoded, decoded, slashed),
  "overlong UTF-8": inOrder(overlong, slashed),
  "overlong UTF-8, decoded twice": inOrder(overlong, overlong, slashed),
  "Latin-1": inOrder(latin1, slashed),
  "fullwidth forms (NFKC)": inOrder(decoded, fullwidth, slashed),
  "fullwidth forms, decoded twice": inOrder(decoded, decoded, fullwidth, slashed),
  "DOS names": inOrder(decoded, slashed, dosNames),
  "up to a NUL (C)": inOrder(decoded, slashed, until("\u0000")),
  "up to a space": inOrder(decoded, slashed, until(/\s/)),
  "up to a query or fragment that was encoded": inOrder(decoded, until(/[?#]/)),
  // oxlint-disable-next-line no-control-regex -- control characters are what it drops
  "without control characters": inOrder(decoded, without(/[\u0000-\u001f\u007f-\u009f]/g), slashed),
  "without format characters": inOrder(decoded, without(/\p{Cf}/gu), slashed),
  "without spaces at the ends of segments": inOrder(decoded, without(/(?<=\/) +| +(?=\/|$)/g), slashed),
  "%u forms (IIS)": inOrder(iisUnicode, decoded, iisUnicode, slashed),
};

/** Who of the readers leaves `base`, a path without a slash at its end, at any step of the walk. */
export function whoLeaves(base: string, path: string): string[] {
  return Object.entries(readers).flatMap(([name, read]) => (staysBelow(base, read(path)) ? [] : [name]));
}

function staysBelow(base: string, path: string): boolean {
  const own = base.split("/").filter((segment) => segment !== "");
  const walked: string[] = [];
  let isBelow = false;
  for (const segment of path.split("/").filter((one) => one !== "" && one !== ".")) {
    if (segment === "..") walked.pop();
    else walked.push(segment);
    const reached = own.every((one, index) => walked[index] === one);
    if (isBelow && !reached) return false;
    isBelow ||= reached;
  }
  return isBelow || own.length === 0;
}
