/** A DNS server on loopback, for namespaces whose resolv.conf names it. It answers as a test says, with a TTL of 0, and counts. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { addressBytes } from "../../src/core/tools/address.ts";

export interface Records {
  readonly addresses: readonly string[];
  /** The addresses are those of this name, for which the one that was asked for is an alias. */
  readonly cname?: string;
}
/** By name, in lower case and without the dot at the end. `nth`: how often that name and type have been asked for, with this one. */
export type Zone = (name: string, nth: number) => Records | "silence" | undefined;

export interface DNSServer extends AsyncDisposable {
  /** How often IPv4 addresses of the name have been asked for. */
  count(name: string): number;
}

const types = { a: 1, cname: 5, aaaa: 28 };

/** RFC 1035, section 4. */
export async function dnsServer(zone: Zone): Promise<DNSServer> {
  const counts = new Map<string, number>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += length + 1;
    }
    const question = query.subarray(12, at + 5);
    const type = query.readUInt16BE(at + 1);
    const name = labels.join(".").toLowerCase();
    const nth = (counts.get(`${name} ${type}`) ?? 0) + 1;
    counts.set(`${name} ${type}`, nth);
    const records = zone(name, nth);
    if (records === "silence") return;
    const owner = records?.cname ?? name;
    const answers = (records?.addresses ?? [])
      .map((text) => Buffer.from(addressBytes(text) ?? []))
      .filter((bytes) => bytes.length === (type === types.a ? 4 : type === types.aaaa ? 16 : 0))
      .map((bytes) => record(owner, type, bytes));
    if (records?.cname !== undefined) answers.unshift(record(name, types.cname, encoded(records.cname)));
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(records ? 0x8180 : 0x8183, 2); // a response, or: no such name
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, question, ...answers]), port, address);
  });
  socket.bind(53, "127.0.0.1");
  await once(socket, "listening");
  return {
    count: (name) => counts.get(`${name} ${types.a}`) ?? 0,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const rest = Buffer.alloc(10);
  rest.writeUInt16BE(type, 0);
  rest.writeUInt16BE(1, 2);
  rest.writeUInt16BE(data.length, 8);
  return Buffer.concat([encoded(owner), rest, data]);
}
function encoded(name: string): Buffer {
  return Buffer.concat([
    ...name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]),
    Buffer.from([0]),
  ]);
}
