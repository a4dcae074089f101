/** The examples as they are, but for the port of the server that they talk to: a test takes one that is free. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const examples = join(import.meta.dirname, "../../examples");

export interface Examples extends AsyncDisposable {
  /** A folder. */
  readonly path: string;
  readonly files: readonly string[];
}

export async function examplesFor(port: number): Promise<Examples> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-examples-"));
  const files = (await readdir(examples)).filter((file) => file.endsWith(".yaml"));
  for (const file of files) {
    const text = await readFile(join(examples, file), "utf8");
    await writeFile(join(path, file), text.replaceAll("127.0.0.1:28080", `127.0.0.1:${port}`));
  }
  return { path, files, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
