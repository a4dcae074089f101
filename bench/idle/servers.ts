/** The servers, each with a limit on idle connections, and with what it has processed: its own log. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../test/support/free-ports.ts";

export interface IdleServer extends AsyncDisposable {
  readonly url: string;
  /** The paths of the requests that it has processed. */
  processed(): readonly string[];
}
/** Folders with what is not on this machine: Debian's packages, and Python's. */
export interface Programs {
  readonly unpacked: string;
  readonly python: string;
}
export type StartServer = (programs: Programs, limitSecs: number) => Promise<IdleServer>;

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `prepare` writes its configuration into the folder; its log there is `log`, a path a line. */
async function started(unpacked: string, prepare: (folder: string, port: number) => Program): Promise<IdleServer> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-idle-"));
  const [port = 0] = await freePorts(1);
  writeFileSync(join(folder, "log"), "");
  const { command, args, env = {} } = prepare(folder, port);
  const libraries = readFileSync(join(unpacked, "libraries"), "utf8").trim();
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"], LD_LIBRARY_PATH: libraries, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said = (said + text.toString()).slice(-4_000)));
  const ended = once(child, "exit");
  process.once("exit", () => child.kill("SIGKILL"));
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (tries === 100 || child.exitCode !== null) throw new Error(`${command} does not start: ${said}`);
    await sleep(100);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    processed: () => readFileSync(join(folder, "log"), "utf8").split("\n").filter(Boolean),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** With threads, as people run it whose application waits for others. */
export const gunicorn: StartServer = ({ unpacked, python }, limitSecs) =>
  started(unpacked, (folder, port) => {
    writeFileSync(
      join(folder, "application.py"),
      `import os
log = os.open(${JSON.stringify(join(folder, "log"))}, os.O_WRONLY | os.O_APPEND)
def application(environ, start_response):
    os.write(log, (environ["PATH_INFO"] + "\\n").encode())
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
`,
    );
    const options = ["--worker-class", "gthread", "--threads", "64", "--keep-alive", String(limitSecs), "--log-level", "error"];
    return {
      command: "python3",
      args: ["-m", "gunicorn", ...options, "--chdir", folder, "--bind", `127.0.0.1:${port}`, "application"],
      env: { PYTHONPATH: python, HOME: folder },
    };
  });

export const nginx: StartServer = ({ unpacked }, limitSecs) =>
  started(unpacked, (folder, port) => {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path ${folder}/${one};`);
    writeFileSync(
      join(folder, "conf"),
      `daemon off; pid ${folder}/pid; error_log stderr crit; events {}
      ${process.getuid?.() === 0 ? "user root;" : ""}
      http {
        ${temporary.join(" ")}
        log_format path '$uri'; access_log ${folder}/log path;
        server { listen 127.0.0.1:${port}; keepalive_timeout ${limitSecs}s; location / { return 200 ok; } }
      }`,
    );
    return { command: join(unpacked, "usr/sbin/nginx"), args: ["-c", join(folder, "conf"), "-e", "stderr"] };
  });

/** Says its limit in Keep-Alive, which others do not. */
export const apache: StartServer = ({ unpacked }, limitSecs) =>
  started(unpacked, (folder, port) => {
    const modules = ["mpm_event", "authz_core", "asis", "mime", "alias"].map(
      (one) => `LoadModule ${one}_module ${unpacked}/usr/lib/apache2/modules/mod_${one}.so`,
    );
    writeFileSync(join(folder, "ok.asis"), "Status: 200 OK\nContent-Type: text/plain\n\nok");
    writeFileSync(join(folder, "types"), "");
    writeFileSync(
      join(folder, "conf"),
      `${modules.join("\n")}
      ServerRoot ${folder}
      PidFile ${folder}/pid
      Listen 127.0.0.1:${port}
      ServerName 127.0.0.1
      TypesConfig ${folder}/types
      ErrorLog ${folder}/error.log
      LogLevel crit
      LogFormat "%U" path
      CustomLog ${folder}/log path
      KeepAlive On
      KeepAliveTimeout ${limitSecs}
      MaxKeepAliveRequests 0
      AliasMatch "^/.*" ${folder}/ok.asis
      <Directory ${folder}>
        Require all granted
        AddHandler send-as-is asis
      </Directory>`,
    );
    return { command: join(unpacked, "usr/sbin/apache2"), args: ["-f", join(folder, "conf"), "-DFOREGROUND"] };
  });

/** In front of a server that keeps its own connections for long, and counts what arrives. */
export const haproxy: StartServer = async ({ unpacked }, limitSecs) => {
  const paths: string[] = [];
  const behind = createServer((request, response) => {
    paths.push(request.url ?? "");
    request.resume().on("end", () => response.end("ok"));
  });
  behind.keepAliveTimeout = 600_000;
  await once(behind.listen(0, "127.0.0.1"), "listening");
  const front = await started(unpacked, (folder, port) => {
    writeFileSync(
      join(folder, "conf"),
      `global
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive ${limitSecs}s
listen all
  bind 127.0.0.1:${port}
  server behind 127.0.0.1:${(behind.address() as AddressInfo).port}
`,
    );
    return { command: join(unpacked, "usr/sbin/haproxy"), args: ["-f", join(folder, "conf")] };
  });
  return {
    url: front.url,
    processed: () => paths,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      behind.closeAllConnections();
      behind.close();
    },
  };
};
