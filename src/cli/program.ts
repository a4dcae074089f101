/** The command line. */
import { Command, CommanderError } from "commander";
import {
  controllerSettings,
  fileSetting,
  getSettings,
  orphanSettings,
  outputsSettings,
  runSettings,
  type ControllerSettings,
  type GetSettings,
  type OrphanSettings,
  type OutputsSettings,
  type RunSettings,
} from "../config.ts";
import { InvalidProxyError } from "../http/connect/environment-proxies.ts";
import { controllerProblem } from "./controller-problem.ts";
import { convertSettings, type ConvertSettings } from "./convert-settings.ts";
import { printCRDs } from "./crds.ts";
import { getObjects } from "./get.ts";
import { getOutputs } from "./outputs.ts";
import { renderManifests } from "./render.ts";
import { resendSettings, type ResendSettings } from "./resend-settings.ts";
import { runStandalone } from "./run.ts";
import { version } from "./version.ts";

/** Returns the exit code: 0 done, 1 failed, 2 a wrong flag or value. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("holdfast");
  program.description("Sends the HTTP requests that are declared as custom resources, each exactly as often as it was declared.");
  // One line for a mistake, whatever Commander would say in two; set before the commands, which inherit it.
  program.exitOverride().configureOutput({ outputError: (text, write) => write(`${onOneLine(text)}\n`) });

  program.version(version, "-v, --version", "print the version");
  program.hook("preSubcommand", (_program, command) => readSwitches(command));

  const controller = program.command("controller").description("Run against a Kubernetes API server.");
  for (const option of controllerSettings) controller.addOption(option);
  controller.action(async (settings: ControllerSettings) => {
    const problem = controllerProblem(settings);
    if (problem !== undefined) controller.error(`error: ${problem}`);
    const { runController } = await import("./controller.ts"); // the Kubernetes client takes most of a second to load
    exitCode = await runController(settings);
  });
  const run = program.command("run").description("Run manifests from files, without a cluster.");
  for (const option of runSettings) run.addOption(option);
  run.allowExcessArguments().action(async (settings: RunSettings) => {
    exitCode = await runStandalone({ ...settings, file: filesOf(run) });
  });
  const render = program
    .command("render")
    .description("Print what would be sent, secrets masked; send nothing.")
    .addOption(fileSetting);
  render.allowExcessArguments().action(async () => {
    exitCode = await renderManifests(filesOf(render));
  });
  const get = program
    .command("get")
    .description("Print what a state file knows of objects, while run has it open or not.")
    .argument("[kind]", "httprequests, httpresources, …, or all")
    .argument("[name]");
  for (const option of getSettings) get.addOption(option);
  get.action((kind: string | undefined, name: string | undefined, settings: GetSettings) => {
    exitCode = getObjects({ kind, name }, settings);
  });
  const outputs = program
    .command("outputs")
    .description("Print the Secrets and ConfigMaps that requests made, out of a state file.")
    .argument("[name]");
  for (const option of outputsSettings) outputs.addOption(option);
  outputs.action((name: string | undefined, settings: OutputsSettings) => {
    exitCode = getOutputs(name, settings);
  });
  const orphan = program
    .command("orphan")
    .description(
      "Let go of remote objects: take the finalizers off HTTPResources and send nothing. Before an uninstall, or after one.",
    );
  for (const option of orphanSettings) orphan.addOption(option);
  orphan.action(async (settings: OrphanSettings) => {
    if ((settings.all === true) === (settings.namespace !== undefined))
      orphan.error(`error: give --all or --namespace NAME${settings.all ? ", not both" : ""}`);
    const { orphanResources } = await import("./orphan.ts");
    exitCode = await orphanResources(settings);
  });
  addConvert(program, (code) => {
    exitCode = code;
  });
  addResend(program, (code) => {
    exitCode = code;
  });
  program.command("crds").description("Print the CustomResourceDefinitions.").action(printCRDs);
  program
    .command("version")
    .description("Print the version.")
    .action(() => {
      process.stdout.write(`${version}\n`);
    });

  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!Error.isError(error) || isMistakeOfOurs(error)) throw error;
    process.stderr.write(`error: ${error.message}\n`); // a kubeconfig, a file, an address or a proxy that cannot be used
    return error instanceof InvalidProxyError ? 2 : 1;
  }
}

function addResend(program: Command, ended: (exitCode: number) => void): void {
  const resend = program
    .command("resend")
    .description("Have HTTPRequests of a cluster sent again that have ended and not as declared, one after the other.")
    .argument("[name...]", "these alone");
  for (const option of resendSettings) resend.addOption(option);
  resend.action(async (names: readonly string[], settings: ResendSettings) => {
    if ((settings.all === true) === (settings.namespace !== undefined))
      resend.error(`error: give --all or --namespace NAME${settings.all ? ", not both" : ""}`);
    const isChosen = names.length > 0 || settings.selector !== undefined || settings.stalled || settings.reason !== undefined;
    if (!isChosen) resend.error("error: say which: names, --selector, --stalled or --reason");
    const { resendRequests } = await import("./resend.ts");
    ended(await resendRequests(names, settings));
  });
}

function addConvert(program: Command, ended: (exitCode: number) => void): void {
  const convert = program
    .command("convert")
    .description("Print manifests for objects of Crossplane's provider-http, and report what is otherwise; send nothing.");
  for (const option of convertSettings) convert.addOption(option);
  convert.allowExcessArguments().action(async (settings: ConvertSettings) => {
    const { convertManifests } = await import("./convert.ts");
    ended(await convertManifests({ ...settings, file: filesOf(convert) }));
  });
}

/** A flag without a value is set by Commander where its variable is there, whatever that says: one that says no is taken away. */
function readSwitches(command: Command): void {
  for (const { envVar, long } of command.options.filter((option) => option.isBoolean())) {
    const text = envVar === undefined ? undefined : process.env[envVar];
    if (envVar === undefined || text === undefined || text === "true") continue;
    if (text !== "false" && text !== "") command.error(`error: ${envVar}, for ${long}, is neither true nor false`);
    delete process.env[envVar];
  }
}

function filesOf(command: Command): readonly string[] {
  const { file } = command.opts<{ readonly file?: readonly string[] }>();
  const [loose] = command.args;
  if (loose !== undefined) return command.error(`error: ${loose} needs a flag before it: -f ${loose}`);
  return file ?? command.error("error: required option '-f, --file <path...>' not specified");
}

/** What deserves a stack trace. */
function isMistakeOfOurs({ name }: Error): boolean {
  return ["TypeError", "ReferenceError", "RangeError", "SyntaxError", "AssertionError"].includes(name);
}

function onOneLine(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");
}
