/** Chromium without a window, told what to do over its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/ */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterOwnEnd } from "./child-process.ts";

export interface Page {
  /** What it complained of: on its console, or since something could not be loaded. */
  readonly complaints: readonly string[];
  /** The URL of everything that it asked for. */
  readonly asked: readonly string[];
  /** Returns once it has loaded. */
  open(url: string): Promise<void>;
  prefer(scheme: "light" | "dark"): Promise<void>;
  /** The value of a JavaScript expression, as JSON has it. */
  evaluate<T>(expression: string): Promise<T>;
  /** PNG. */
  screenshot(): Promise<Buffer>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** One empty page in a browser of its own. `chromium`: the program. */
export async function startBrowser(chromium: string, size: { width: number; height: number }): Promise<Page & AsyncDisposable> {
  const { width, height } = size;
  await using cleanup = new AsyncDisposableStack();
  const profile = await mkdtemp(join(tmpdir(), "holdfast-browser-"));
  cleanup.defer(() => rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  // As root there is no sandbox; what it opens is ours.
  const flags = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(chromium, [...flags, `--window-size=${width},${height}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true, // it has processes of its own, which end with its group
  });
  const exited = once(child, "exit");
  const watchdog = afterOwnEnd('kill -9 -"$1"', String(child.pid));
  cleanup.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
    await exited;
    watchdog.kill("SIGKILL");
  });
  const [port] = await Promise.race([portOf(child.stderr), exited.then(() => Promise.reject(new Error("the browser ended")))]);
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl ?? "");
  await once(socket, "open");
  cleanup.defer(() => socket.close());

  const complaints: string[] = [];
  const asked: string[] = [];
  const waiting = new Map<number, (message: Message) => void>();
  let loaded = Promise.withResolvers<void>();
  let sent = 0;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    const { id, method, params = {} } = message;
    if (id !== undefined) waiting.get(id)?.(message);
    if (method === "Page.loadEventFired") loaded.resolve();
    if (method === "Network.requestWillBeSent") asked.push((params["request"] as { url: string }).url);
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded" || method === "Runtime.consoleAPICalled")
      complaints.push(JSON.stringify(params));
  });
  async function call(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = (sent += 1);
    const { promise, resolve } = Promise.withResolvers<Message>();
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method, params }));
    const { result = {}, error } = await promise;
    waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await call(`${domain}.enable`);
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  const running = cleanup.move();
  return {
    complaints,
    asked,
    async open(url) {
      loaded = Promise.withResolvers();
      await call("Page.navigate", { url });
      await loaded.promise;
    },
    prefer: async (value) =>
      void (await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] })),
    async evaluate<T>(expression: string): Promise<T> {
      const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, returnByValue: true });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
    async screenshot() {
      const { data } = await call("Page.captureScreenshot", { format: "png" });
      return Buffer.from(String(data), "base64");
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** From what it prints when it listens. */
async function portOf(output: NodeJS.ReadableStream): Promise<readonly [string]> {
  const { promise, resolve } = Promise.withResolvers<readonly [string]>();
  createInterface({ input: output }).on("line", (line) => {
    const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port !== undefined) resolve([port]);
  });
  return promise;
}
