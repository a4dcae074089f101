/** A control group with a memory limit for a process that runs, of version 2 or 1, where this process may make one. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const roots = [
  { folder: "/sys/fs/cgroup", limit: "memory.max" },
  { folder: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
];

/** Undefined: none can be made here. Disposed of once the process has ended. */
export function confineMemory(pid: number, limitBytes: number): Disposable | undefined {
  for (const { folder, limit } of roots) {
    const group = join(folder, `holdfast-${pid}`);
    try {
      if (!existsSync(join(folder, "cgroup.procs"))) continue; // there is no such hierarchy
      mkdirSync(group);
    } catch {
      continue; // it is not ours to change
    }
    try {
      writeFileSync(join(group, limit), String(limitBytes));
      writeFileSync(join(group, "cgroup.procs"), String(pid));
      return { [Symbol.dispose]: () => rmdirSync(group) };
    } catch {
      rmdirSync(group);
    }
  }
  return undefined;
}

/** The most memory that the process has had in RAM so far, bytes. */
export function peakMemoryBytes(pid: number): number {
  const [, kiB] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kiB) * 1024;
}
