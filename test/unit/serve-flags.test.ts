/** What does not go together with serving is said before anything is asked of a cluster. */
import { expect, test } from "@jest/globals";
import { Command } from "commander";
import { controllerProblem } from "../../src/cli/controller-problem.ts";
import { controllerSettings, type ControllerSettings } from "../../src/config.ts";

test.each([
  [["--require-service-account", "true"], "--require-service-account do not go together"],
  [["--watch-label-selector", "a=b"], "--watch-label-selector do not go together"],
  [["--slots", "2"], "--slots above 1 do not go together"],
  [[], "needs --provider-http-lease"],
])("serving all with %j is refused", (flags, message) => {
  const command = new Command();
  for (const option of controllerSettings) command.addOption(option);
  command.parse(["--serve-provider-http", "all", ...flags], { from: "user" });
  expect(controllerProblem(command.opts<ControllerSettings>())).toContain(message);
});
