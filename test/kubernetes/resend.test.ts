/** `holdfast resend`, on a real API server: what failed is sent again, paced, and nothing that may have arrived unasked. */
import { expect, test } from "@jest/globals";
import { faultWorld } from "../support/fault-world.ts";
import { holdfast } from "../support/holdfast.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("resend", (plane) => {
  test("wish 32: asks which, shows them, sends again what failed, and leaves what may have arrived", async () => {
    await using world = await faultWorld(plane, "resend");
    const { origin, requests, namespace } = world;
    let isDown = true;
    origin.reply = ({ path }) => {
      if (path === "/lost" && isDown) return { type: "reset" };
      return { type: "answer", status: isDown && path !== "/good" ? 400 : 200 };
    };
    await using _ = await world.start();
    for (const name of ["good", "bad", "worse", "lost"])
      await requests.create(name, { url: `${origin.url}/${name}`, method: "POST" });
    const isOver = (phase: string | undefined): boolean => phase === "Done" || phase === "Unknown";
    await requests.until("all have ended", (all) => [...all.values()].every(({ status }) => isOver(status?.attempt?.phase)));
    const run = (...args: string[]): ReturnType<typeof holdfast> =>
      holdfast(["resend", "--kubeconfig", plane.kubeconfigs.admin, "--namespace", namespace, ...args]);

    expect(await run()).toMatchObject({ code: 2, stderr: "error: say which: names, --selector, --stalled or --reason\n" });
    const shown = await run("--stalled", "--dry-run");
    expect(shown.stdout).toContain(`${namespace}/bad  UnexpectedStatus  would be sent again\n`);
    expect(shown.stdout).toContain("2 of 4 HTTPRequests would be sent again\n");
    expect(origin.count("/bad")).toBe(1);

    isDown = false;
    const sent = await run("--stalled", "--per-second", "100");
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(sent.stdout).toContain(`${namespace}/lost  OutcomeUnknown  left: it may have arrived; --unknown sends it again\n`);
    await requests.until("both are sent", (all) =>
      ["bad", "worse"].every((name) => all.get(name)?.status?.conditions?.[0]?.reason === "Succeeded"),
    );
    expect(["good", "bad", "worse", "lost"].map((name) => origin.count(`/${name}`))).toEqual([1, 2, 2, 1]);

    const first = (await requests.all()).get("lost")?.status?.attempt?.id;
    expect((await run("lost", "--unknown")).stdout).toContain("1 of 4 HTTPRequests are sent again\n");
    const after = await requests.until("it is sent, too", (all) => all.get("lost")?.status?.attempt?.phase === "Done");
    expect(after.get("lost")?.status?.attempt?.id).toBe(first);
    expect((await run("none")).code).toBe(1);
  });
});
