import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const script = join(import.meta.dirname, "../support/crashing.ts");

test.each(["thrown", "rejected"])(
  "what is %s and caught by nobody ends the process with one line, in which no secret is",
  (way) => {
    const secret = "canary/of+a?crash";
    const { status, stderr, stdout } = spawnSync(process.execPath, [script, way, secret], { encoding: "utf8", timeout: 120_000 });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).not.toMatch(/canary|nobody's registry|HTTP\/1.1/);
    expect(JSON.parse(stderr)).toMatchObject({
      level: "error",
      message: "crashed",
      error: "no answer: ***",
      cause: { code: "HPE_INVALID", error: "because of ***" },
      stack: expect.stringContaining("crashing.ts"),
    });
  },
);
