import { expect, test } from "@jest/globals";
import { adminHeaders, adminPage, type AdminView } from "../../src/telemetry/admin-page.ts";
import { linePlot } from "../../src/telemetry/line-plot.ts";

const view: AdminView = {
  version: "1.2.3",
  identity: "a_1",
  leads: false,
  uptimeSecs: 90,
  residentBytes: 2 ** 27,
  samples: [
    { active: 1, idle: 0, timeWait: 0, due: 0, working: 1 },
    { active: 3, idle: 2, timeWait: 9, due: 4, working: 2 },
  ],
  sampleSecs: 2,
  queue: { due: 4, delayed: 5, working: 2, oldestSecs: 0.25 },
  clients: [],
  watches: [],
  slowest: [],
  reconciles: [],
  failing: [],
  more: 0,
};

test("escapes whatever is not its own", () => {
  const hostile = `"><script>alert('x')</script>&`;
  const page = adminPage({
    ...view,
    identity: hostile,
    clients: [{ about: hostile, users: 0, origins: [{ origin: hostile, connected: 0, free: 0, waiting: 0 }] }],
    watches: [{ text: hostile, ready: false, silentSecs: 1 }],
    slowest: [{ object: hostile, durationMs: 1, came: hostile }],
    failing: [{ object: hostile, reason: hostile, message: hostile, forSecs: 1 }],
    object: hostile,
    reconciles: [
      {
        object: hostile,
        why: hostile,
        result: hostile,
        reason: hostile,
        reconcileId: hostile,
        attemptId: hostile,
        durationMs: 1,
        agoSecs: 1,
      },
    ],
  });
  expect(page).not.toContain("<script");
  expect(page.split("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;")).toHaveLength(17);
});

test("may run no script, load nothing, and be put into no frame", () => {
  expect(adminHeaders["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; img-src data:;/);
  expect(adminHeaders["content-security-policy"]).toContain("frame-ancestors 'none'");
});

test("says what there is, where there is nothing else to say", () => {
  const page = adminPage({ ...view, more: 3 });
  for (const text of ["stands by", "up 90 s, 128 MiB", "Sockets, the last 4.0 s", "Not ready: 3", "and 3 more", "250 ms"])
    expect(page).toContain(text);
});

test("has the slots of the replica, where the work is divided", () => {
  expect(adminPage(view)).not.toContain("Slots of this replica");
  const slots = [
    { name: "slot-1-of-4", leads: true, resources: 4711, depth: 12, oldestSecs: 90 },
    { name: "slot-3-of-4", leads: false, resources: 0, depth: 0, oldestSecs: 0 },
  ];
  const page = adminPage({ ...view, slots });
  for (const text of ["Slots of this replica: 2", "slot-1-of-4", "4711", "90 s", "stands by, or ends"])
    expect(page).toContain(text);
});

test("draws lines from left to right on one scale", () => {
  const { html } = linePlot("sockets", [
    { name: "a", className: "a", values: [0, 2, 4] },
    { name: "b", className: "b", values: [4] },
  ]);
  expect(html).toContain('points="0.0,88.0 300.0,46.0 600.0,4.0"');
  expect(html).toContain('points="0.0,4.0"');
});
