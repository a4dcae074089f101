/**
 * The admin page: what an operator wants to look at when something is wrong. A pure function from what was seen to HTML, which
 * runs no script, loads nothing, and holds no secret.
 */
import { createHash } from "node:crypto";
import { html, type Html } from "./html.ts";
import { linePlot } from "./line-plot.ts";

/** What was counted at one instant. */
export interface AdminSample {
  readonly active: number;
  readonly idle: number;
  readonly timeWait: number;
  readonly due: number;
  readonly working: number;
}
export interface AdminView {
  readonly version: string;
  readonly identity: string;
  readonly leads: boolean;
  readonly uptimeSecs: number;
  readonly residentBytes: number;
  /** Those that this process has, is to have or gives up; absent: the work is not divided. `leads`: it works on it. */
  readonly slots?: readonly {
    readonly name: string;
    readonly leads: boolean;
    readonly resources: number;
    readonly depth: number;
    readonly oldestSecs: number;
  }[];
  /** Oldest first, one each `sampleSecs`. */
  readonly samples: readonly AdminSample[];
  readonly sampleSecs: number;
  readonly queue: { readonly due: number; readonly delayed: number; readonly working: number; readonly oldestSecs: number };
  /** In the order in which they came into the Map. */
  readonly clients: readonly {
    readonly about: string;
    readonly users: number;
    readonly origins: readonly {
      readonly origin: string;
      readonly connected: number;
      readonly free: number;
      readonly waiting: number;
    }[];
  }[];
  readonly watches: readonly { readonly text: string; readonly ready: boolean; readonly silentSecs: number }[];
  /** The newest first: of `object`, as `Kind namespace/name`, or of all. */
  readonly reconciles: readonly {
    readonly object: string;
    readonly why: string;
    readonly result: string;
    readonly reason: string;
    readonly reconcileId: string;
    readonly attemptId: string;
    readonly durationMs: number;
    readonly agoSecs: number;
  }[];
  readonly object?: string;
  /** Objects, the slowest first. */
  readonly slowest: readonly { readonly object: string; readonly durationMs: number; readonly came: string }[];
  /** The newest first; `more` are left out. */
  readonly failing: readonly {
    readonly object: string;
    readonly reason: string;
    readonly message: string;
    readonly forSecs: number;
  }[];
  readonly more: number;
}

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5a6675;--line:#d6dce4;--paper:#fbfcfd;--card:#fff;--good:#1a7f4b;--bad:#b3261e;--a:#1f6feb;--b:#a15c00;--c:#8a3ffc}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#9aa7b6;--line:#323c49;--paper:#12171e;--card:#1a212b;--good:#56d391;--bad:#ff8a80;--a:#6ea8fe;--b:#ffb454;--c:#c29bff}}
*{box-sizing:border-box}
body{margin:0;padding:1.2rem 1.6rem;font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
header{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;align-items:baseline;margin-bottom:1rem}
h1{font-size:1.25rem;margin:0}h2{font-size:1rem;margin:0 0 .5rem}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;min-width:0}
table{width:100%;border-collapse:collapse}th{text-align:left;font-weight:600;color:var(--soft)}
td,th{padding:.15rem .6rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.soft,figcaption{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}
.wide{grid-column:1/-1}a{color:inherit}
figure{margin:0 0 .6rem}svg{display:block;width:100%;height:90px;border-bottom:1px solid var(--line)}
polyline{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}
.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}b.a{color:var(--a)}b.b{color:var(--b)}b.c{color:var(--c)}
@media(max-width:30rem){main{grid-template-columns:1fr}}`;

/** Exactly this, or its digest is another one. */
const sheet: Html = { html: `<style>${style}</style>` };

/** What the page may do: nothing but be styled by its own sheet. */
export const adminHeaders = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
};

/** The whole document, to be served with `adminHeaders`. It asks to be loaded anew every 5 s. */
export function adminPage(view: AdminView): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="5" />
        <title>Holdfast</title>
        <link rel="icon" href="data:," />
        ${sheet}
      </head>
      <body>
        <header>
          <h1>Holdfast ${view.version}</h1>
          <span class="${view.leads ? "good" : "soft"}">${view.leads ? "leads" : "stands by"}</span>
          <span class="soft">${view.identity}</span>
          <span class="soft">up ${seconds(view.uptimeSecs)}, ${(view.residentBytes / 2 ** 20).toFixed(0)} MiB</span>
        </header>
        <main>
          ${slotsSection(view)} ${socketsSection(view)} ${queueSection(view)} ${clientsSection(view)} ${watchesSection(view)}
          ${slowestSection(view)} ${reconcilesSection(view)} ${failingSection(view)}
        </main>
      </body>
    </html> `;
  return page.html;
}

function slotsSection({ slots }: AdminView): Html {
  if (!slots) return html``;
  const rows = slots.map(({ name, leads, resources, depth, oldestSecs }) => [
    html`<span class="${leads ? "good" : "soft"}">${name}</span>`,
    leads ? "works" : "stands by, or ends",
    resources,
    depth,
    seconds(oldestSecs),
  ]);
  return html`<section>
    <h2>Slots of this replica: ${slots.length}</h2>
    ${table(["slot", "", "#objects", "#due", "#longest"], rows)}
  </section>`;
}

function socketsSection(view: AdminView): Html {
  const of = valuesIn(view);
  return html`<section>
    <h2>Sockets, ${plottedTime(view)}</h2>
    ${linePlot("Sockets by state", [
      { name: "active", className: "a", values: of(({ active }) => active) },
      { name: "idle", className: "b", values: of(({ idle }) => idle) },
    ])}
    ${linePlot("Sockets of the Pod in TIME_WAIT", [{ name: "TIME_WAIT", className: "c", values: of(({ timeWait }) => timeWait) }])}
  </section>`;
}

function queueSection(view: AdminView): Html {
  const { queue } = view;
  const of = valuesIn(view);
  return html`<section>
    <h2>Queue, ${plottedTime(view)}</h2>
    ${linePlot("Work queue", [
      { name: "working", className: "a", values: of(({ working }) => working) },
      { name: "due", className: "b", values: of(({ due }) => due) },
    ])}
    ${table(
      ["", "#now"],
      [
        ["due, waiting for a worker", queue.due],
        ["being worked on", queue.working],
        ["the longest of them", seconds(queue.oldestSecs)],
        ["due later", queue.delayed],
      ],
    )}
  </section>`;
}

function clientsSection({ clients }: AdminView): Html {
  const rows = clients.flatMap(({ about, users, origins }, index) => {
    const known = origins.length > 0 ? origins : [{ origin: "", connected: 0, free: 0, waiting: 0 }];
    return known.map(({ origin, connected, free, waiting }, row) => [
      row === 0 ? index + 1 : "",
      row === 0 ? `${about}${users > 0 ? `, ${users} in use` : ""}` : "",
      origin,
      connected,
      free,
      waiting,
    ]);
  });
  return html`<section>
    <h2>Clients in the Map: ${clients.length}</h2>
    ${table(["#", "client", "origin", "#open", "#idle", "#waiting"], rows)}
  </section>`;
}

function watchesSection({ watches }: AdminView): Html {
  const rows = watches.map(({ text, ready, silentSecs }) => [
    html`<span class="${ready ? "good" : "bad"}">${ready ? "✓" : "✗"}</span> ${text}`,
    seconds(silentSecs),
  ]);
  return html`<section>
    <h2>Watches</h2>
    ${table(["watch", "#silent for"], rows)}
  </section>`;
}

function slowestSection(view: AdminView): Html {
  const rows = view.slowest.map(({ object, durationMs, came }) => [object, seconds(durationMs / 1000), came]);
  return html`<section>
    <h2>Slowest, ${plottedTime(view)}</h2>
    ${table(["object", "#took", "came"], rows)}
  </section>`;
}

function reconcilesSection({ object: chosen, reconciles }: AdminView): Html {
  const rows = reconciles.map(({ object, why, result, reason, durationMs, agoSecs, reconcileId, attemptId }) => [
    objectLink(object),
    why,
    `${result} ${reason}`,
    seconds(durationMs / 1000),
    seconds(agoSecs),
    reconcileId,
    attemptId,
  ]);
  return html`<section class="wide">
    <h2>Latest reconciles${chosen === undefined ? "" : html` of ${chosen} <a href="/">all</a>`}</h2>
    ${table(["object", "why", "result", "#took", "#ago", "reconcileId", "attemptId"], rows)}
  </section>`;
}

function failingSection({ failing, more }: AdminView): Html {
  const rows = failing.map(({ object, reason, message, forSecs }) => [
    objectLink(object),
    html`<span class="bad">${reason}</span> <span class="soft">${message}</span>`,
    seconds(forSecs),
  ]);
  return html`<section>
    <h2>Not ready: ${failing.length + more}</h2>
    ${table(["object", "reason", "#for"], rows)} ${more > 0 ? html`<p class="soft">and ${more} more</p>` : ""}
  </section>`;
}

function plottedTime({ samples, sampleSecs }: AdminView): string {
  return `the last ${seconds(samples.length * sampleSecs)}`;
}
function valuesIn({ samples }: AdminView): (read: (sample: AdminSample) => number) => readonly number[] {
  return (read) => samples.map(read);
}

type Cell = string | number | Html;

/** A head that begins with # is of numbers. */
function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  if (rows.length === 0) return html`<p class="soft">none</p>`;
  const classOf = (index: number): Html => (heads[index]?.startsWith("#") ? html` class="n"` : html``);
  const head = heads.map((name, index) => html`<th${classOf(index)}>${name.replace(/^#(?=.)/, "")}</th>`);
  const body = rows.map(
    (cells) =>
      html`<tr>
        ${cells.map((cell, index) => html`<td${classOf(index)}>${cell}</td>`)}
      </tr> `,
  );
  return html`<table>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table>`;
}

/** To its latest reconciles. */
function objectLink(object: string): Html {
  return html`<a href="/?object=${encodeURIComponent(object)}">${object}</a>`;
}

/** As a person says it. */
function seconds(secs: number): string {
  if (secs < 1) return `${Math.round(secs * 1000)} ms`;
  if (secs < 120) return `${secs.toFixed(secs < 10 ? 1 : 0)} s`;
  return secs < 7200 ? `${Math.round(secs / 60)} min` : `${Math.round(secs / 3600)} h`;
}
