/** What does not go together with serving is said before anything is asked of a cluster. */
import { expect, jest, test } from "@jest/globals";
import { main } from "../../src/cli/program.ts";

test.each([
  [["--require-service-account", "true"], "--require-service-account do not go together"],
  [["--watch-label-selector", "a=b"], "--watch-label-selector do not go together"],
  [["--slots", "2"], "--slots above 1 do not go together"],
  [[], "needs --provider-http-lease"],
])("serving all with %j is refused", async (flags, message) => {
  const told: string[] = [];
  const write = jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    told.push(String(text));
    return true;
  });
  try {
    expect(await main(["controller", "--serve-provider-http", "all", ...flags])).toBe(2);
  } finally {
    write.mockRestore();
  }
  expect(told.join("")).toContain(message);
});
