/** HTTPResource's plan where an answer seems to say that the object is not there, and does not, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import { isSettled } from "../../src/kinds/types.ts";
import {
  after,
  answer,
  condition,
  created,
  deleted,
  differs,
  drive,
  failure,
  gone,
  hour,
  named,
  resource,
  same,
  url,
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";

const [look, put, remove, list] = [
  "GET users/${ .externalID }",
  "PUT users/${ .externalID }",
  "DELETE users/${ .externalID }",
  "GET users",
];

describe("an id that an update's answer gave, and its server will show nothing of,", () => {
  const renamed = drive(created(), [answer(200), differs(".age"), answer(202), values("job-1")]);
  const object = (rest: object = {}) => created(user, { status: renamed.status, ...rest });

  test.each([400, 403, 405, 409, 422])("is none where the one before is there: %d", (status) => {
    const seen = drive(object(), [answer(status), answer(200), same], hour);
    expect([seen.sent, seen.state, seen.status.externalID]).toEqual([[look, look], "True/Updated", "7"]);
    expect(seen.status).not.toHaveProperty("formerExternalID");
    const wrong = drive(object(), [answer(status), answer(200), differs(".age"), answer(200)], hour);
    expect([wrong.sent, wrong.status.externalID]).toEqual([[look, look, put], "7"]);
    const released = drive(object(deleted), [answer(status), answer(200), same, answer(204)], hour);
    const last = released.steps.at(-1);
    expect([released.sent.at(-1), released.verdict]).toMatchObject([remove, gone]);
    expect(last?.type === "exchange" && last.exchange.scope.externalID).toBe("7");
  });
  test.each<[string, number, readonly number[]]>([
    ["the one before is not there", 403, [404]],
    ["the one before is not shown either", 403, [503]],
    ["it lacks a credential", 401, []],
    ["it comes too often", 429, []],
    ["its server is down", 503, []],
    ["a gateway gave up waiting", 408, []],
    ["a load balancer says that the client has gone", 460, []],
    ["a proxy says so", 499, []],
  ])("stays open where %s", (_what, status, more) => {
    const driven = drive(object(), [answer(status), ...more.map((one) => answer(one))], hour);
    expect([driven.state.split("/")[0], driven.verdict.status]).toMatchObject([
      "Unknown",
      { externalID: "job-1", formerExternalID: "7" },
    ]);
  });
});

describe("a list of which the answer has a part,", () => {
  const looked = (status: number, headers: Record<string, string>, lookup: object = {}, ...more: readonly unknown[]) => {
    const object = resource({ ...withLookup, lookup: { ...withLookup.lookup, ...lookup } });
    return (rest: Parameters<typeof drive>[1] = []) => drive(object, [answer(status, headers), values([], ...more), ...rest]);
  };
  test.each<[string, number, Record<string, string>, object?]>([
    ["as its status says", 206, {}],
    ["as Heroku's does", 206, { "content-range": "id a..b; max=200", "next-range": "id ]b..; max=200" }],
    ["as PostgREST's does", 206, { "content-range": "0-4/6" }],
    ["as its range says", 200, { "content-range": "things 0-24/319" }],
    ["as the range of none says", 200, { "content-range": "*/6" }],
    ["as its range says, whatever spec.lookup.next yields", 206, { "content-range": "0-4/6" }, { next: "." }],
  ])("does not say that the object is not there: %s", (_what, status, headers, lookup = {}) => {
    const { sent, state, status: made } = looked(status, headers, lookup, ...("next" in lookup ? [null] : []))();
    expect([sent, state]).toEqual([[list], "Unknown/LookupPartial Reconciling"]);
    expect(condition(made, "Ready")?.message).toMatch(/part of the list.*spec\.lookup\.next.*spec\.lookup\.query/);
  });
  test.each<[string, number, Record<string, string>, object?]>([
    ["the last part", 206, { "content-range": "5-5/6" }],
    ["all of it", 206, { "content-range": "0-4/5" }],
    ["all of it, which is nothing", 200, { "content-range": "*/0" }],
    ["as much as there is, which nobody counted", 200, { "content-range": "0-4/*" }],
    ["the last page, as spec.lookup.next says", 206, {}, { next: "." }],
    ["nothing beyond the last page, as spec.lookup.next says", 206, { "content-range": "*/6" }, { next: "." }],
  ])("says so where it has %s", (_what, status, headers, lookup = {}) => {
    const { state } = looked(status, headers, lookup, ...("next" in lookup ? [null] : []))([answer(201), values("7")]);
    expect(state).toBe("True/Created");
  });
  test("is followed by its Link header, where no spec.lookup.next is declared, to a last page of whatever status", () => {
    const link = { link: '<https://users.example.com/users?page=2>; rel="next"' };
    const more = [answer(206), values([]), answer(201), values("7")];
    expect(looked(206, link)(more)).toMatchObject({
      sent: [list, list, "POST users after intent"],
    });
  });
});

describe("a deletion that was answered 202", () => {
  const accepted = drive(created(user, deleted), [answer(202)], hour);
  const at = (seconds: number) => after(3_600_000 + seconds * 1_000);
  const going = ({ status }: { readonly status: ReturnType<typeof drive>["status"] }, rest: object = {}) =>
    created(user, { ...deleted, status, ...rest });

  test("is not over by that, and is looked at after a pause that doubles, until the object is gone", () => {
    expect([accepted.sent, accepted.state, accepted.verdict.finalizer]).toEqual([
      [remove],
      "False/Deleting Reconciling",
      undefined,
    ]);
    let driven = accepted;
    const pauses = [4, 8, 20].map((seconds) => {
      driven = drive(going(driven), [answer(200), same], at(seconds));
      expect([driven.sent, driven.state, driven.verdict.finalizer]).toEqual([[look], "False/Deleting Reconciling", undefined]);
      return (driven.verdict.requeueAfterMs ?? 0) / 1_000;
    });
    for (const [index, seconds] of [4, 8, 20].entries()) expect(pauses[index]).toBeGreaterThan(seconds * 0.7);
    const silent = drive(going(driven), [answer(503)], at(600));
    expect([silent.sent, silent.verdict.finalizer]).toEqual([[look], undefined]);
    const over = drive(going(silent), [answer(404)], at(1_200));
    expect([over.sent, over.verdict]).toMatchObject([[look], gone]);
  });
  test("says after five minutes that the object is still there, and what to do, and is looked at further", () => {
    expect(isSettled(going(accepted))).toBe(false);
    const waiting = drive(going(accepted), [answer(200), same], at(280));
    expect([isSettled(going(waiting)), Math.floor((waiting.verdict.requeueAfterMs ?? 0) / 1_000)]).toEqual([false, 20]);
    const still = drive(going(waiting), [answer(200), same], at(301));
    expect([still.sent, still.state, still.verdict.finalizer]).toEqual([[look], "False/NotDeleted Reconciling", undefined]);
    expect(isSettled(going(still))).toBe(true);
    const { message = "" } = condition(still.status, "Ready") ?? {};
    expect(message).toMatch(/still shown.*spec\.observe\.object yield null.*reconcile-at.*manifest.*Orphan.*orphan/);
    expect(message.length).toBeLessThan(1024);
    expect(drive(going(still), [answer(404)], at(3_000)).verdict).toMatchObject(gone);
  });
  test("writes nothing at a look by which only the time of the next one has changed", () => {
    const often = { ...user, interval: "10s" };
    const begun = drive(created(often, deleted), [answer(202)], hour);
    let { status } = begun;
    let writes = 0;
    for (let seconds = 10; seconds < 300; seconds += 10) {
      const next = drive(created(often, { ...deleted, status }), [answer(200), same], at(seconds));
      if (JSON.stringify(next.status) !== JSON.stringify(status)) writes += 1;
      ({ status } = next);
    }
    expect(writes).toBeLessThan(6);
  });
  test.each(["of an object that goes", "before it is made anew"])("is waited for where a look says nothing, %s", (what) => {
    const eve = { ...user, replace: [".name"], parameters: { name: "eve", age: 36 } };
    const of = ({ status }: { readonly status?: ReturnType<typeof drive>["status"] }) =>
      what === "of an object that goes" ? created(user, { ...deleted, status }) : created(eve, { status, generation: 2 });
    const begun =
      what === "of an object that goes"
        ? accepted
        : drive(of(drive(of(created(user)), [answer(200), differs(".name")], hour)), [answer(202)], hour);
    const silent = drive(of(begun), [answer(503)], at(60));
    expect([silent.state, isSettled(of(silent))]).toEqual(["Unknown/UnexpectedStatus Reconciling", false]);
    expect(isSettled(of(drive(of(silent), [answer(503)], at(299))))).toBe(false);
    expect(isSettled(of(drive(of(silent), [answer(503)], at(301))))).toBe(true);
    // As long as its server asks for nobody need wait who waits for the end.
    const asked = drive(of(begun), [answer(503, { "retry-after": "3600" })], at(60));
    expect(isSettled(of(asked))).toBe(true);
  });
  test("is sent anew where the object was declared again in between", () => {
    const back = drive(created(user, { status: accepted.status }), [answer(200), same], at(400));
    expect(back.state.split("/")[0]).toBe("True");
    const again = drive(going(back), [answer(202)], at(500));
    expect([again.sent, again.state]).toEqual([[remove], "False/Deleting Reconciling"]);
  });
  test("is sent again where a person asks", () => {
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const again = drive(going(accepted, { annotations }), [answer(202)], at(1));
    expect([again.sent, again.state, again.status.lastHandledReconcileAt]).toEqual([[remove], "False/Deleting Reconciling", "1"]);
    expect(drive(going(again, { annotations }), [answer(200), same], at(600)).sent).toEqual([look]);
  });
  test("by POST without a key is not sent twice", () => {
    const posted = { ...user, delete: { ...user.delete, method: "POST" } };
    const { status } = drive(created(posted, deleted), [answer(202)], hour);
    const next = drive(created(posted, { ...deleted, status }), [answer(200), same], at(60));
    expect([next.sent, next.state]).toEqual([[look], "False/Deleting Reconciling"]);
  });
  test("is over by that where nobody can look", () => {
    const { observe: _, ...unwatched } = user;
    expect(drive(created(unwatched, deleted), [answer(202)], hour).verdict).toMatchObject(gone);
  });
  test("is looked for in the list where there is no observe, and is over where that does not have it, whatever else matches", () => {
    const { observe: _, ...listed } = withLookup;
    const { status } = drive(resource(listed), [answer(200), values([]), answer(201), values("7")]);
    const object = resource(listed, { ...deleted, status: { ...status, seen: true } });
    const begun = drive(object, [answer(202)], hour);
    expect(begun.state).toBe("False/Deleting Reconciling");
    const found = (id: string) => [answer(200), values([{ id, item: { id } }]), same];
    const next = (id: string) => drive(resource(listed, { ...deleted, status: begun.status }), found(id), at(60));
    expect([next("7").state, next("7").verdict.finalizer]).toEqual(["False/Deleting Reconciling", undefined]);
    const over = drive(resource(listed, { ...deleted, status: begun.status }), [answer(200), values([])], at(60));
    expect(over.verdict).toMatchObject(gone);
    const [, asked] = over.steps;
    expect(JSON.stringify(asked?.type === "evaluate" && asked.evaluation)).toContain('== \\"7\\"');
    expect(JSON.stringify(asked)).not.toContain(withLookup.lookup.match);
  });
  test("is looked at under the id that it was sent to, which a lookup found", () => {
    const lost = drive(resource(withLookup), [answer(200), values([]), failure(true)]);
    const object = (status: typeof lost.status) => resource(withLookup, { ...deleted, status });
    const begun = drive(object(lost.status), [answer(200), values(["7"]), answer(200), same, answer(202)], hour);
    expect([begun.sent.at(-1), begun.state, begun.status.externalID]).toEqual([remove, "False/Deleting Reconciling", "7"]);
    const still = drive(object(begun.status), [answer(200), same], at(60));
    expect([still.sent, still.state, still.verdict.finalizer]).toEqual([[look], "False/Deleting Reconciling", undefined]);
    expect(drive(object(still.status), [answer(404)], at(90)).verdict).toMatchObject(gone);
  });
  test("is looked at under the id that it was sent to, which a look showed", () => {
    const byName = { ...user, observe: { url: `${url}/ada` }, mine: ".object.mine" };
    const known = drive(resource(byName), [answer(404), answer(201), values("7")]);
    const object = (status: typeof known.status) => resource(byName, { ...deleted, status });
    const shown = [answer(200), { type: "values", values: [true, "8"], differences: [] }] as const;
    const begun = drive(object(known.status), [...shown, answer(202)], hour);
    expect([begun.sent.at(-1), begun.state, begun.status.externalID]).toEqual([remove, "False/Deleting Reconciling", "8"]);
    const still = drive(object(begun.status), shown, at(60));
    expect([still.state, still.verdict.finalizer]).toEqual(["False/Deleting Reconciling", undefined]);
  });
  test("of what is to be made anew comes before that", () => {
    const written = { ...user, replace: [".name"] };
    const eve = { ...written, parameters: { name: "eve", age: 36 } };
    const of = ({ status }: { readonly status?: ReturnType<typeof drive>["status"] }) => created(eve, { status, generation: 2 });
    const replacing = drive(of(created(user)), [answer(200), differs(".name")], hour);
    const begun = drive(of(replacing), [answer(202)], hour);
    expect([begun.sent, begun.state]).toEqual([[remove], "False/Deleting Reconciling"]);
    const still = drive(of(begun), [answer(200), differs(".name")], at(60));
    expect([still.sent, still.state]).toEqual([[look], "False/Deleting Reconciling"]);
    const unmade = drive(of(still), [answer(404)], at(600));
    expect([unmade.sent, unmade.state]).toEqual([[look], "False/Replacing Reconciling"]);
    const made = drive(of(unmade), [answer(201), values("8")], at(600));
    expect([made.sent, made.status.externalID]).toEqual([["POST users after intent"], "8"]);
    // What has been deleted once is deleted again, and not waited for by what is left of that.
    const released = drive(created(eve, { ...deleted, status: made.status }), [answer(200), same, answer(204)], at(900));
    expect([released.sent, released.verdict]).toMatchObject([[look, remove], gone]);
  });
});

test.each(["after one that does not show it", "at once"])(
  "a create in doubt is waited for where a look says nothing, %s",
  (when) => {
    const of = ({ status }: ReturnType<typeof drive>) => resource(withLookup, { status });
    const begun = drive(resource(withLookup), [answer(200), values([]), failure(true)]);
    const looked = when === "at once" ? begun : drive(of(begun), [answer(200), values([])], after(2_000));
    const silent = drive(of(looked), [answer(503)], after(5_000));
    expect([silent.state, isSettled(of(silent))]).toEqual(["Unknown/UnexpectedStatus Reconciling", false]);
    const later = drive(of(silent), [answer(503)], after(33_000));
    expect([later.sent, isSettled(of(later))]).toEqual([[list], true]);
  },
);

describe("a 404 that is a page, as a gateway sends it,", () => {
  const page = answer(404, { "content-type": "text/html; charset=utf-8" });

  test("creates nothing anew by POST, and says what to do", () => {
    const driven = drive(created(), [page], hour);
    expect([driven.sent, driven.state]).toEqual([[look], "Unknown/UnexpectedStatus Reconciling"]);
    expect(condition(driven.status, "Ready")?.message).toMatch(/page \(text\/html\).*spec\.observe\.expect\.status/);
  });
  test("is an absence where a person asks, where a PUT to the same place creates it, and of an object that is a page", () => {
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const put404 = { ...user, create: { ...user.create, method: "PUT" } };
    const pages = { ...user, observe: { ...user.observe, headers: [{ name: "Accept", value: "text/html" }] } };
    for (const object of [created(user, { annotations }), created(put404), created(pages)])
      expect(drive(object, [page, answer(201), values("8")], hour).status.externalID).toBe("8");
  });
  test("is an absence where another method than POST creates it where it is looked at: a folder of WebDAV, say", () => {
    const folder = (create: object) => ({
      ...user,
      observe: { url: `${url}/team/` },
      create: { method: "MKCOL", url: `${url}/team/`, ...create },
    });
    const seen = (create: object, more: Parameters<typeof drive>[1] = []) => {
      const made = drive(resource(folder(create)), [answer(404), answer(201), values("7")]);
      const { status } = drive(resource(folder(create), { status: made.status }), [answer(200), same], after(2_000));
      return drive(resource(folder(create), { status }), [page, ...more], hour);
    };
    expect(seen({}, [answer(201), values("7")]).sent.slice(1)).toEqual(["MKCOL users/team/ after intent"]);
    for (const create of [{ method: "POST" }, { url }, { query: [{ name: "copy", value: "1" }] }])
      expect(seen(create).state).toBe("Unknown/UnexpectedStatus Reconciling");
  });
  const going = (status: ReturnType<typeof drive>["status"], spec: object = user) => created(spec, { ...deleted, status });
  const at = (seconds: number) => after(3_600_000 + seconds * 1_000);
  describe("of an object without an id that was there already", () => {
    const shown = [answer(200), same];
    const written = { ...named, update: { url: `${url}/ada`, body: { json: { age: 36 } } } };
    const adopted = drive(resource(written), shown);
    const refused = drive(resource(written), [answer(404), answer(409)]);
    const { seen: _, ...older } = adopted.status;
    test.each<[string, ReturnType<typeof drive>["status"]]>([
      ["and was taken over", adopted.status],
      ["and differs", drive(resource({ ...written, drift: "Report" }), [answer(200), differs(".age")]).status],
      ["and was found after its create was refused", drive(resource(written, { status: refused.status }), shown, hour).status],
      ["and was taken over by an earlier version", older],
    ])("creates nothing, and does not end its deletion: %s", (_what, before) => {
      let status = before;
      for (const count of [2, 3, 4]) {
        const seen = drive(resource(written, { status, generation: count }), [page], after(count * 3_600_000));
        expect([seen.sent, seen.state]).toEqual([["GET users/ada"], "Unknown/UnexpectedStatus Reconciling"]);
        ({ status } = seen);
      }
      for (const left of [before, status]) {
        const kept = drive(resource(written, { ...deleted, status: left, generation: 5 }), [page, page], after(20_000_000));
        expect([kept.sent, kept.verdict.finalizer]).toEqual([["DELETE users/ada", "GET users/ada"], undefined]);
      }
      const away = drive(resource(written, { status, generation: 5 }), [answer(404), answer(201)], after(20_000_000));
      expect(away.sent).toEqual(["GET users/ada", "POST users/ada after intent"]);
    });
    test("is an absence where none was ever there", () => {
      expect(refused.state).toMatch("False/UnexpectedStatus");
      const again = drive(resource(written, { status: refused.status }), [page, answer(201)], hour);
      expect(again.sent).toEqual(["GET users/ada", "POST users/ada after intent"]);
    });
    test("writes that it was there once", () => {
      expect(adopted.status.seen).toBe(true);
      const again = drive(resource(written, { status: adopted.status }), shown, hour);
      expect(again.status).toEqual(adopted.status);
    });
  });
  test("does not end a deletion that was answered so, too, for five minutes from the first on, however long it was held up", () => {
    const first = drive(created(user, deleted), [page, page], at(0));
    expect([first.sent, first.state.split(" ")[0], first.verdict.finalizer]).toEqual([
      [remove, look],
      "False/UnexpectedStatus",
      undefined,
    ]);
    const later = drive(going(first.status), [page, page], at(299));
    expect([later.verdict.finalizer, later.status.pageSeenAt]).toEqual([undefined, first.status.pageSeenAt]);
    // Its server answers so itself.
    expect(drive(going(later.status), [page, page], at(600)).verdict).toMatchObject(gone);
    expect(drive(going(first.status), [answer(404), answer(404)], at(1)).verdict).toMatchObject(gone);
  });
  test("does not have what is to be made anew be left behind, for as long", () => {
    const moving = {
      externalID: ".parameters.name",
      observe: user.observe,
      create: { ...user.update, method: "PUT" },
      delete: user.delete,
      replace: ["Moved"],
    };
    const of = (name: string, status?: ReturnType<typeof drive>["status"]) =>
      resource({ ...moving, parameters: { name, age: 36 } }, { status, finalizers: deleted.finalizers, generation: 2 });
    const [ada, eve] = [values("ada"), values("eve")];
    const made = drive(of("ada"), [ada, answer(404), answer(201)]);
    const seen = drive(of("ada", made.status), [ada, answer(200)], after(2_000));
    const begun = drive(of("eve", seen.status), [eve, answer(200)], at(0));
    expect([begun.state, begun.status.replacing]).toEqual(["False/Replacing Reconciling", true]);
    let { status } = begun;
    for (const seconds of [1, 60, 300]) {
      const kept = drive(of("eve", status), [eve, page, page], at(seconds));
      expect([kept.sent, kept.status.externalID, kept.status.replacing]).toEqual([[remove, look], "ada", true]);
      expect(isSettled(of("eve", kept.status))).toBe(false);
      ({ status } = kept);
    }
    for (const [answers, seconds] of [
      [[page, page], 302],
      [[answer(204)], 301],
    ] as const) {
      const unmade = drive(of("eve", status), [eve, ...answers], at(seconds + 60));
      expect(unmade.sent[0]).toBe(remove);
      expect([unmade.status.externalID, unmade.status.pageSeenAt]).toEqual([undefined, undefined]);
    }
  });
  test("is counted anew where something else was answered in between", () => {
    const first = drive(created(user, deleted), [page, page], at(0));
    const shown = drive(going(first.status), [page, answer(503)], at(200));
    expect(shown.status).not.toHaveProperty("pageSeenAt");
    expect(drive(going(shown.status), [page, page], at(400)).verdict.finalizer).toBeUndefined();
  });
  test("is counted, too, where the object is to be looked at before it is deleted", () => {
    const spec = { ...user, mine: '.object.owner == "me"' };
    const first = drive(created(spec, deleted), [page], at(0));
    expect([first.sent, first.verdict.finalizer]).toEqual([[look], undefined]);
    expect(drive(going(first.status, spec), [page, page, page], at(301)).verdict).toMatchObject(gone);
  });
  test("is awaited by whoever waits for the end, however often it was tried", () => {
    let { status } = drive(created(user, deleted), [page, page], at(0));
    for (const seconds of [10, 20, 40, 80, 160, 290]) ({ status } = drive(going(status), [page, page], at(seconds)));
    expect([status.attempt?.tries, isSettled(going(status))]).toEqual([7, false]);
    const other = drive(going(status), [answer(503)], at(600));
    expect([other.status.attempt?.tries, isSettled(going(other.status))]).toEqual([8, true]);
  });
  test("leaves the id from before an update, where that is shown", () => {
    const renamed = drive(created(), [answer(200), differs(".age"), answer(200), values("8")]);
    const driven = drive(created(user, { status: renamed.status }), [page, answer(200), same], hour);
    expect(driven.status.externalID).toBe("7");
  });
});
