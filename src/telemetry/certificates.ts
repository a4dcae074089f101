/** Where a server's certificate comes from. Invariant: a server keeps the one it has until it has read a better one. */
import { readFile } from "node:fs/promises";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createSelfSigned, type Certificate } from "./self-signed.ts";

export interface Certificates {
  /** As it is now. Rejects when it cannot be read, or key and certificate do not belong together. */
  read(): Promise<Certificate>;
  /** A new one was taken up; or why it was not. */
  onChange(error?: unknown): void;
  /** Whether there can be another one. */
  readonly changes: boolean;
}

export const minVersion = "TLSv1.2";
/** The kubelet, too, takes up to a minute to bring a new Secret. */
const lookMs = 2_000;

/** PEM files; made up, where there are none. */
export function certificatesFrom(
  files: { readonly cert: string; readonly key: string } | undefined,
  emit: EmitTelemetry,
): Certificates {
  const made = files ? undefined : createSelfSigned(["holdfast", "localhost"], new Date());
  return {
    changes: files !== undefined,
    async read() {
      if (!files) return made as Certificate;
      const [cert, key] = await Promise.all([readFile(files.cert, "utf8"), readFile(files.key, "utf8")]);
      createSecureContext({ cert, key });
      return { cert, key };
    },
    onChange(error) {
      emit(
        error === undefined
          ? { type: "note", level: "info", message: "took up a new certificate" }
          : { type: "note", level: "warn", message: "a new certificate cannot be used; the one before stays", error },
      );
    },
  };
}

/** Gives the server the newest certificate for each new connection, until it closes. `latest` is the one that it has. */
export function follow(server: Server, certificates: Certificates, latest: Certificate): void {
  if (!certificates.changes) return;
  let known = latest;
  let isBad = false;
  async function rereadIfChanged(): Promise<void> {
    try {
      const read = await certificates.read();
      if (read.cert !== known.cert || read.key !== known.key) {
        server.setSecureContext({ ...read, minVersion });
        certificates.onChange();
      }
      [known, isBad] = [read, false];
    } catch (error) {
      if (!isBad) certificates.onChange(error); // told once, not every time
      isBad = true;
    }
  }
  const timer = setInterval(() => void rereadIfChanged(), lookMs).unref();
  server.once("close", () => clearInterval(timer));
}
