/**
 * jq with a bound on its memory. A WebAssembly memory grows and never shrinks, and V8's limits on a thread's heap do not speak of it.
 *
 * Invariant: the memory of an instance never exceeds the bound; jq then ends as it does where a machine has no more.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadJq, type Jq } from "jq-wasm";

interface JqInstance {
  readonly raw: Jq["raw"];
  /** What its memory has grown to, bytes. */
  memoryBytes(): number;
}

const pageBytes = 65_536;
/** https://webassembly.github.io/spec/core/binary/modules.html */
const headerBytes = 8;
const memorySection = 5;
const hasMaximum = 1;

/** Throws where the module has no memory of its own with a maximum, which is a mistake in the package. */
export async function loadBoundedJq(maxMemoryBytes: number): Promise<JqInstance> {
  const bytes = readFileSync(fileURLToPath(import.meta.resolve("jq-wasm/jq.wasm")));
  limitMemory(bytes, Math.floor(maxMemoryBytes / pageBytes));
  const module = await WebAssembly.compile(bytes);
  let memory: WebAssembly.Memory | undefined;
  const jq = await loadJq({
    instantiateWasm(imports, onSuccess) {
      const instance = new WebAssembly.Instance(module, imports);
      memory = Object.values(instance.exports).find((one) => one instanceof WebAssembly.Memory);
      onSuccess(instance, module);
    },
  });
  return { raw: (input, query, flags) => jq.raw(input, query, flags), memoryBytes: () => memory?.buffer.byteLength ?? 0 };
}

/** Lowers the maximum of the module's only memory, in place: the number keeps its length. */
function limitMemory(bytes: Uint8Array, maxPages: number): void {
  let at = headerBytes;
  while (at < bytes.length) {
    const section = bytes[at];
    const size = numberAt(bytes, at + 1);
    if (section !== memorySection) {
      at = size.end + size.value;
      continue;
    }
    const count = numberAt(bytes, size.end);
    const flags = numberAt(bytes, count.end);
    if (count.value !== 1 || flags.value !== hasMaximum) break;
    const least = numberAt(bytes, flags.end);
    const most = numberAt(bytes, least.end);
    writeNumber(bytes, least.end, { end: most.end, value: Math.min(most.value, Math.max(least.value, maxPages)) });
    return;
  }
  throw new Error("jq's module has no memory with a maximum");
}

interface Encoded {
  readonly value: number;
  /** Where the next one begins. */
  readonly end: number;
}
/** LEB128, unsigned. */
function numberAt(bytes: Uint8Array, start: number): Encoded {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return { value, end: at + 1 };
  }
}
/** The same, with as many bytes as there are from `start` to `end`. */
function writeNumber(bytes: Uint8Array, start: number, { value, end }: Encoded): void {
  for (let at = start, left = value; at < end; at += 1, left = Math.floor(left / 128))
    bytes[at] = (left % 128) + (at + 1 < end ? 128 : 0);
}
