/** Argo CD's scripts, Flux's expressions and the JSON Schemas, each by the program that users have; and kstatus beside them. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { validator } from "../../src/api/validate.ts";
import { httpRequest } from "../../src/api/http-request.ts";
import { ask } from "../support/gitops.ts";
import { describeWithGitOps, testWithGitOpsEngine } from "./helm.ts";
import { chartTools } from "./tools.ts";

const root = join(import.meta.dirname, "../..");
const argo = join(root, "gitops/argocd/holdfast.dev");
const read = (path: string): string => readFileSync(join(argo, path), "utf8");
const objectAt = (path: string): object => parse(read(path)) as object;
const program = (name: string): string => join(chartTools().gitops ?? "", name);

interface HealthTest {
  readonly healthStatus: { readonly status: string; readonly message: string };
  readonly inputPath: string;
}
interface ActionTests {
  readonly discoveryTests: readonly {
    readonly inputPath: string;
    readonly result: readonly { name: string; disabled: boolean }[];
  }[];
  readonly actionTests: readonly { readonly action: string; readonly inputPath: string; readonly expectedOutputPath: string }[];
}

describeWithGitOps("Argo CD", () => {
  const { tests } = parse(read("_/health_test.yaml")) as { tests: readonly HealthTest[] };
  /** What kstatus, by which Flux and Helm wait, makes of the same. */
  const kstatus: Readonly<Record<string, readonly string[]>> = {
    Progressing: ["InProgress"],
    Healthy: ["Current"],
    Degraded: ["Failed", "InProgress"], // of a schedule whose run has failed: the next tick is another chance
    Suspended: ["InProgress"],
  };

  test.each(tests)("finds $inputPath $healthStatus.status, and kstatus agrees", async ({ healthStatus, inputPath }) => {
    const object = objectAt(`_/${inputPath}`);
    const [health, status] = await ask(program("gitops"), [{ object, lua: read("_/health.lua") }, { object }]);
    expect(health).toEqual(healthStatus);
    expect(kstatus[healthStatus.status]).toContain(status?.["status"]);
  });

  testWithGitOpsEngine(
    "is told the same of each by gitops-engine itself, and that what is being deleted is on its way",
    async () => {
      const objects = tests.map(({ inputPath }) => objectAt(`_/${inputPath}`) as { metadata: object });
      const deleted = objects.map(({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
      }));
      const running = promisify(execFile)(chartTools().gitopsEngine ?? "", [join(argo, "_/health.lua")]);
      running.child.stdin?.end(JSON.stringify([...objects, ...deleted]));
      const pending = { status: "Progressing", message: "Pending deletion" };
      const healths = tests.map(({ healthStatus }) => healthStatus);
      expect(JSON.parse((await running).stdout)).toEqual([...healths, ...deleted.map(() => pending)]);
    },
  );

  describe.each(["HTTPRequest", "HTTPResource"])("offers actions for %s:", (kind) => {
    const { discoveryTests, actionTests } = parse(read(`${kind}/actions/action_test.yaml`)) as ActionTests;
    test.each(discoveryTests)("which of them for $inputPath", async ({ inputPath, result }) => {
      const object = objectAt(`${kind}/actions/${inputPath}`);
      const [found] = await ask(program("gitops"), [{ object, lua: read(`${kind}/actions/discovery.lua`) }]);
      expect(found).toEqual(Object.fromEntries(result.map(({ name, disabled }) => [name, { disabled }])));
    });
    test.each(actionTests)("$action", async ({ action, inputPath, expectedOutputPath }) => {
      const object = objectAt(`${kind}/actions/${inputPath}`);
      const [made] = await ask(program("gitops"), [{ object, lua: read(`${kind}/actions/${action}/action.lua`) }]);
      expect(made).toEqual(objectAt(`${kind}/actions/${expectedOutputPath}`));
    });
    test("resend, by a new value of the annotation", async () => {
      const object = objectAt(`${kind}/actions/testdata/going.yaml`);
      const [made] = await ask(program("gitops"), [{ object, lua: read(`${kind}/actions/resend/action.lua`) }]);
      expect(made).toMatchObject({
        metadata: { annotations: { "holdfast.dev/reconcile-at": expect.stringMatching(/^\d{10}/) } },
      });
    });
  });

  test("is given all of them by the patch of its settings", () => {
    const { data } = parse(read("../argocd-cm.yaml")) as { data: Readonly<Record<string, string>> };
    expect(parse(data["resource.customizations"] ?? "")).toEqual({ "holdfast.dev/*": { "health.lua": read("_/health.lua") } });
    for (const kind of ["HTTPRequest", "HTTPResource"]) {
      const actions = parse(data[`resource.customizations.actions.holdfast.dev_${kind}`] ?? "") as {
        definitions: readonly { readonly name: string; readonly "action.lua": string }[];
      };
      const declared = readdirSync(join(argo, kind, "actions"), { withFileTypes: true })
        .filter((one) => one.isDirectory() && one.name !== "testdata")
        .map(({ name }) => ({ name, "action.lua": read(`${kind}/actions/${name}/action.lua`) }));
      expect(actions.definitions.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
        declared.toSorted((a, b) => a.name.localeCompare(b.name)),
      );
    }
  });
});

interface HealthExpressions {
  readonly kind: string;
  readonly inProgress: string;
  readonly failed: string;
  readonly current: string;
}
describeWithGitOps("Flux", () => {
  const { spec } = parse(readFileSync(join(root, "gitops/flux/kustomization.yaml"), "utf8")) as {
    spec: { readonly healthCheckExprs: readonly HealthExpressions[] };
  };
  /** The first that holds, in the order in which Flux asks. */
  async function healthOf(object: object, { inProgress, failed, current }: HealthExpressions): Promise<string> {
    for (const [name, cel] of Object.entries({ inProgress, failed, current })) {
      const [answer] = await ask(program("gitops"), [{ object, cel }]);
      if (answer?.["holds"] === true) return name;
      if (answer?.["error"] !== undefined) throw new Error(JSON.stringify(answer["error"]));
    }
    return "none";
  }
  test.each([
    ["unseen", "inProgress"],
    ["edited", "inProgress"],
    ["retrying", "inProgress"],
    ["stalled", "failed"],
    ["suspended", "current"],
    ["ready", "current"],
  ])("finds one that is %s %s", async (name, health) => {
    for (const expressions of spec.healthCheckExprs)
      expect(await healthOf(objectAt(`_/testdata/${name}.yaml`), expressions)).toBe(health);
  });
});

describeWithGitOps("kubeconform, with the JSON Schemas,", () => {
  const location = join(root, "schemas/{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json");
  async function check(...paths: readonly string[]): Promise<string> {
    const args = ["-strict", "-summary", "-ignore-missing-schemas", "-schema-location", location, ...paths];
    return promisify(execFile)(program("kubeconform"), args, { maxBuffer: 2 ** 26 }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  }
  test("takes every example", async () => {
    expect(await check(join(root, "examples"))).toMatch(/Valid: [4-9]\d, Invalid: 0, Errors: 0, Skipped: \d+/);
  });

  test.each([
    ["a field that there is not", "{url: 'http://h/', metod: GET}", "metod"],
    ["a text where a number belongs", "{url: 'http://h/', retry: {limit: '3'}}", "limit"],
    ["a word that is none of those", "{url: 'http://h/', onUnknown: Again}", "onUnknown"],
    ["a list that is too long", `{url: 'http://h/', expect: {status: [${"'200', ".repeat(200)}'201']}}`, "status"],
  ])("refuses %s, as the API server does", async (_name, spec, field) => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-schema-"));
    try {
      const file = join(folder, "one.yaml");
      await writeFile(file, `{apiVersion: holdfast.dev/v1alpha1, kind: HTTPRequest, metadata: {name: one}, spec: ${spec}}`);
      const told = await check(file);
      expect(told).toContain("Invalid: 1");
      expect(told).toContain(field);
      expect(validator(httpRequest.spec)(parse(spec)).problems).not.toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
