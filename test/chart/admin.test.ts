/**
 * The admin page of a controller under load, in a real browser. `HOLDFAST_SCREENSHOT=1` writes the pictures of docs/install.md anew.
 */
import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { request } from "undici";
import { declaredRequests, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { grantController } from "../support/chart-rights.ts";
import { installCRDs } from "../support/install.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { startBrowser, type Page } from "../support/browser.ts";
import { describeWithBrowser } from "./helm.ts";
import { chartTools } from "./tools.ts";
import { until } from "./until.ts";

const pictures = { light: "docs/images/admin.png", dark: "docs/images/admin-dark.png" };
const takesPicture = process.env["HOLDFAST_SCREENSHOT"] === "1";
const size = { width: 1200, height: takesPicture ? 1010 : 760 };
/** In place of the machine's. */
const podName = "holdfast-7d4b9c6f58-x2lqw";
const fileOf = (scheme: keyof typeof pictures): string => join(import.meta.dirname, "../..", pictures[scheme]);

/** WCAG's contrast of each piece of text with what is behind it, the least of them: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
const leastContrast = `(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; }
    return [255, 255, 255];
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const texts = [...document.querySelectorAll("body *")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return Math.min(...texts.map((e) => contrast(luminance(rgb(getComputedStyle(e).color)), luminance(behind(e)))));
})()`;

describeWithBrowser("the admin page", () => {
  let plane: ControlPlane;
  let origin: LoopbackServer;
  let controller: HoldfastProcess;
  let requests: DeclaredRequests;
  let page: Page;
  let url: string;
  const started = new AsyncDisposableStack();
  /** Answers that are held back until the test has looked. */
  const held: (() => void)[] = [];

  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    await installCRDs(plane);
    await grantController(plane);
    origin = started.use(
      await loopbackServer((request, response) => {
        if (request.url.startsWith("/held")) return void held.push(() => response.end("{}"));
        if (request.url.startsWith("/broken")) response.writeHead(500);
        setTimeout(() => response.end("{}"), 200);
      }),
    );
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: "team-a" } });
    requests = declaredRequests(plane, "team-a");
    const args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--lease-namespace", "team-a", "--admin-address", "127.0.0.1:0"];
    controller = started.use(await startController(args));
    const { adminPort } = (await controller.logged(({ message }) => message === "serving the admin page")) as unknown as {
      adminPort: number;
    };
    url = `http://127.0.0.1:${adminPort}/`;
    page = started.use(await startBrowser(chartTools().chromium ?? "", size));
  });
  afterAll(() => started.disposeAsync());

  const shown = (selector: string): Promise<string> =>
    page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((e) => e.textContent).join("\\n")`);

  test("shows the sockets of a running load, its clients, and what is not ready", async () => {
    const [count, pauseMs] = takesPicture ? [80, 250] : [12, 0];
    for (let n = 1; n <= count; n += 1) {
      await requests.create(`notify-${n}`, { url: `${origin.url}/notify/${n}` });
      await sleep(pauseMs);
    }
    await sleep(2_500); // there is more than one sample to draw
    await requests.create("declined", { url: `${origin.url}/broken`, expect: { status: ["2xx"] } });
    for (let n = 1; n <= 4; n += 1) await requests.create(`report-${n}`, { url: `${origin.url}/held/${n}`, timeout: "45s" });
    await requests.until("declined", (all) => stateOf(all.get("declined")) !== "");
    const sees = async (): Promise<boolean> => {
      await page.open(url);
      const points = await page.evaluate<number>(`document.querySelector("polyline.a").points.numberOfItems`);
      return points > 1 && (await shown("figcaption")).startsWith("4 active");
    };
    let caption = "";
    await until(
      async () => (await sees()) || ((caption = await shown("body")), false),
      () => `no active sockets: ${caption}`,
    );
    const text = await shown("section");
    expect(text).toContain(origin.url);
    expect(text).toContain("timeout 45 s, 4 in use");
    expect(text).toMatch(/team-a\/notify-\d+.*GET 200/);
    expect(text).toContain("HTTPRequest team-a/declined");
    expect(text).toContain("watching httprequests.holdfast.dev");
    expect(await shown("header")).toContain("leads");
  });

  test("complains of nothing, and asks nothing of anybody else", async () => {
    await page.open(url);
    expect(page.complaints).toEqual([]);
    expect([...new Set(page.asked)].filter((asked) => asked !== "data:,")).toEqual([url]);
  });

  test.each(["light", "dark"] as const)(
    "can be read in %s",
    async (scheme) => {
      await page.prefer(scheme);
      await page.open(url);
      const background = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      expect(background).toBe(scheme === "light" ? "rgb(251, 252, 253)" : "rgb(18, 23, 30)");
      expect(await page.evaluate<number>(leastContrast)).toBeGreaterThan(4.5);
      expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(size.width);
      if (!takesPicture) return;
      const [own, shown] = [hostname(), podName].map((name) => JSON.stringify(name));
      await page.evaluate(
        `(() => { const of = document.querySelector("header"); of.innerHTML = of.innerHTML.replace(${own}, ${shown}); })()`,
      );
      await writeFile(fileOf(scheme), await page.screenshot());
    },
    180_000,
  );

  test("is in the documentation as a picture for each, which is not large", async () => {
    const page = await readFile(join(import.meta.dirname, "../../docs/install.md"), "utf8");
    expect(page).toContain(`media="(prefers-color-scheme: dark)" srcset="./${pictures.dark.slice("docs/".length)}"`);
    expect(page).toContain(`src="./${pictures.light.slice("docs/".length)}"`);
    for (const scheme of ["light", "dark"] as const) expect((await readFile(fileOf(scheme))).length).toBeLessThan(200_000);
    for (const release of held) release();
  });

  test("is not served under a name that a web page has made up", async () => {
    const { statusCode } = await request(url, { headers: { host: "rebound.example.com" } });
    expect(statusCode).toBe(421);
  });
});
