/** The servers, each with the little configuration that it needs. */
import { readdirSync } from "node:fs";
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "../support/child-process.ts";
import { freePorts } from "../support/free-ports.ts";
import { startServer, unpacked, type RealServer } from "./server.ts";

const isRoot = process.getuid?.() === 0;

/** WebDAV without a password, over the folder `dav`. access.log: method, path, status, number of the connection. */
export async function startNginx(): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("nginx", async (folder) => {
    await mkdir(join(folder, "dav"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path ${folder}/tmp-${one};`);
    await writeFile(
      join(folder, "conf"),
      `${isRoot ? "user root;" : ""} daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
      http {
        ${temporary.join(" ")}
        log_format short '$request_method $uri $status $connection';
        access_log ${folder}/access.log short;
        types { application/json json; }
        server {
          listen 127.0.0.1:${port}; root ${folder}/dav; autoindex on; keepalive_timeout 60;
          location / { dav_methods PUT DELETE MKCOL; create_full_put_path off; }
        }
      }`,
    );
    const args = ["-c", join(folder, "conf"), "-e", join(folder, "error.log")];
    return { program: unpacked("usr/sbin/nginx"), args, url: `http://127.0.0.1:${port}` };
  });
}

/** WebDAV over the folder `dav`, for the user ada with the password `secret`, by Basic or Digest. The same log. */
export async function startApache(scheme: "Basic" | "Digest" = "Basic"): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("apache", async (folder) => {
    await mkdir(join(folder, "dav"));
    const modules = "mpm_event authn_core authn_file authz_core authz_user auth_basic auth_digest dav dav_fs autoindex mime";
    const loaded = modules
      .split(" ")
      .map((one) => `LoadModule ${one}_module ${unpacked(`usr/lib/apache2/modules/mod_${one}.so`)}`);
    // printf secret | openssl sha1 -binary | base64; printf ada:dav:secret | md5sum
    const users = { Basic: "ada:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", Digest: "ada:dav:3ea6fc7b942115e11a8d98e8381b6f0c\n" };
    await writeFile(join(folder, "users"), users[scheme]);
    await writeFile(join(folder, "types"), "");
    await writeFile(
      join(folder, "conf"),
      `${loaded.join("\n")}
      ServerRoot ${folder}
      PidFile ${folder}/pid
      Listen 127.0.0.1:${port}
      ServerName 127.0.0.1
      TypesConfig ${folder}/types
      AddType application/json .json
      ErrorLog ${folder}/error.log
      LogFormat "%m %U %>s %{local}p-%{remote}p" short
      CustomLog ${folder}/access.log short
      DavLockDB ${folder}/locks
      DocumentRoot ${folder}/dav
      <Directory ${folder}/dav>
        Dav On
        Options Indexes
        AuthType ${scheme}
        AuthName dav
        AuthUserFile ${folder}/users
        Require valid-user
      </Directory>`,
    );
    const args = ["-f", join(folder, "conf"), "-DFOREGROUND"];
    return { program: unpacked("usr/sbin/apache2"), args, url: `http://127.0.0.1:${port}` };
  });
}

/** In front of another server; `output` has a line for each request, with the client's port. */
export async function startHAProxy(behind: string): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("haproxy", async (folder) => {
    await writeFile(
      join(folder, "conf"),
      `global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "%HM %HU %ST %cp"
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout http-keep-alive 10s
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  server one ${new URL(behind).host}
`,
    );
    return { program: unpacked("usr/sbin/haproxy"), args: ["-f", join(folder, "conf"), "-db"], url: `http://127.0.0.1:${port}` };
  });
}

/** A proxy for the user ada with the password `secret`. access.log: method, URL, status, user. */
export async function startSquid(): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("squid", async (folder) => {
    await cp(unpacked("usr/share/squid"), join(folder, "share"), { recursive: true });
    await cp(unpacked("usr/share/squid-langpack/templates"), join(folder, "templates"), { recursive: true });
    for (const helper of ["basic_ncsa_auth", "unlinkd", "log_file_daemon"])
      await cp(unpacked(`usr/lib/squid/${helper}`), join(folder, helper));
    await mkdir(join(folder, "log"));
    await chmod(join(folder, "log"), 0o777); // for whoever it becomes
    await writeFile(join(folder, "users"), "ada:$apr1$holdfast$LuI1l3.EjKzkxv2Ot7/EZ.\n"); // openssl passwd -apr1 -salt holdfast secret
    await writeFile(
      join(folder, "conf"),
      `http_port 127.0.0.1:${port}
pid_filename none
${isRoot ? "cache_effective_user nobody" : ""}
logformat short %rm %ru %>Hs %un
access_log stdio:${folder}/log/access.log short
cache_log ${folder}/log/cache.log
cache deny all
auth_param basic program ${folder}/basic_ncsa_auth ${folder}/users
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
mime_table ${folder}/share/mime.conf
icon_directory ${folder}/share/icons
error_directory ${folder}/templates
unlinkd_program ${folder}/unlinkd
logfile_daemon ${folder}/log_file_daemon
pinger_enable off
coredump_dir ${folder}/log
shutdown_lifetime 0 seconds
`,
    );
    return {
      program: unpacked("usr/sbin/squid"),
      args: ["-N", "-n", `holdfast${port}`, "-f", join(folder, "conf")],
      url: `http://127.0.0.1:${port}`,
    };
  });
}

/** Whose tokens a registry wants: it verifies them by the certificates of `ca`, in PEM. */
export interface TokenAuth {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  readonly ca: string;
}

/** A registry of container images that lets them be deleted. `output` has a line for each request. */
export async function startRegistry(auth?: TokenAuth): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("registry", async (folder) => {
    const bundle = join(folder, "ca.pem");
    if (auth) await writeFile(bundle, auth.ca);
    const token = auth && { realm: auth.realm, service: auth.service, issuer: auth.issuer, rootcertbundle: bundle };
    await writeFile(
      join(folder, "conf.yml"),
      `version: 0.1
log: {accesslog: {disabled: false}, level: error}
storage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:${port}"}
${token ? `auth: ${JSON.stringify({ token })}` : ""}
`,
    );
    const args = ["serve", join(folder, "conf.yml")];
    return { program: unpacked("usr/bin/docker-registry"), args, url: `http://127.0.0.1:${port}` };
  });
}

/** The one folder there whose name begins so, and ends with a version. */
function within(folder: string, prefix: string): string {
  const name = readdirSync(unpacked(folder)).find((one) => one.startsWith(prefix)) ?? prefix;
  return join(unpacked(folder), name);
}

/** A Python server with what it has by default: an idle connection is closed after 2 s, without a hint. `seen` has a line for each POST. */
export async function startGunicorn(): Promise<RealServer> {
  const [port = 0] = await freePorts(1);
  return startServer("gunicorn", async (folder) => {
    await writeFile(
      join(folder, "app.py"),
      `def app(environ, start_response):
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["REQUEST_METHOD"] == "POST":
        with open("${folder}/seen", "ab") as seen:
            seen.write(content + b"\\n")
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
`,
    );
    await writeFile(join(folder, "seen"), "");
    const env = { PYTHONPATH: `${unpacked("usr/lib/python3/dist-packages")}:${folder}` };
    const args = ["-c", "from gunicorn.app.wsgiapp import run; run()", "-k", "gthread", "-b", `127.0.0.1:${port}`, "app:app"];
    return { program: "python3", args, env, url: `http://127.0.0.1:${port}` };
  });
}

const guest = { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` };

/** A broker with its management API, for guest with the password `guest`. It takes 10 s to start, more where others work. */
export async function startRabbitMQ(): Promise<RealServer> {
  const [port = 0, epmd = 0, distribution = 0] = await freePorts(3);
  const erlang = unpacked("usr/lib/erlang");
  const binaries = `${within("usr/lib/erlang", "erts-")}/bin`;
  await using started = new AsyncDisposableStack();
  const server = await startServer("rabbitmq", async (folder) => {
    // Debian's own has the place where it would be installed written into it.
    const erl = `#!/bin/sh\nexport ROOTDIR=${erlang} BINDIR=${binaries} EMU=beam PROGNAME=erl\nexec "$BINDIR/erlexec" "$@"\n`;
    await writeFile(join(folder, "erl"), erl, { mode: 0o755 });
    await writeFile(join(folder, "plugins"), "[rabbitmq_management].");
    await mkdir(join(folder, "access"));
    await writeFile(
      join(folder, "rabbit.conf"),
      `listeners.tcp = none
management.tcp.ip = 127.0.0.1
management.tcp.port = ${port}
management.http_log_dir = ${folder}/access
log.console = true
`,
    );
    const names = `/usr/bin/env ERL_EPMD_ADDRESS=127.0.0.1 ${binaries}/epmd -port ${epmd}`.split(" ");
    started.use(await startChild(names[0] ?? "", names.slice(1), join(folder, "epmd")));
    const env = {
      HOME: folder,
      PATH: `${folder}:${binaries}:${erlang}/bin:${process.env["PATH"]}`,
      ERL_EPMD_PORT: `${epmd}`,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_DIST_PORT: `${distribution}`,
      RABBITMQ_NODENAME: `holdfast-${port}@localhost`,
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_CONFIG_FILE: join(folder, "rabbit"),
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    };
    const program = `${within("usr/lib/rabbitmq/lib", "rabbitmq_server-")}/sbin/rabbitmq-server`;
    const url = `http://127.0.0.1:${port}`;
    return { program, args: [], env, url: `${url}/api/overview`, headers: guest, isUp: ({ status }) => status === 200 };
  });
  started.use(server);
  const resources = started.move();
  return { ...server, url: new URL("/api", server.url).href, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
