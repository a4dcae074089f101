/** What `holdfast convert` can be told. */
import { InvalidArgumentError, Option } from "commander";
import { fileSetting } from "../config.ts";
import { duration, namespaceName } from "../flag-values.ts";

export interface ConvertSettings {
  readonly file: readonly string[];
  readonly namespace: string;
  readonly poll: string;
  readonly originMap: readonly (readonly [string, string])[];
  readonly verbatim: boolean;
  readonly idiomatic: boolean;
  readonly strict: boolean;
  readonly handover: boolean;
  readonly output: "manifests" | "json";
  readonly secrets: "report" | "copy";
  readonly force: boolean;
  readonly readyOnDrift: boolean;
  readonly keepRedirects: boolean;
  readonly atLeastOnce: boolean;
}

export const convertSettings: readonly Option[] = [
  new Option(fileSetting.flags, "objects of provider-http: files, folders, or - for standard input"),
  new Option("-n, --namespace <name>", "for objects of the cluster, where no Secret of theirs says which")
    .argParser(namespaceName)
    .default("default"),
  new Option("--poll <duration>", "how often provider-http looked at an object: its own --poll")
    .argParser(durationText)
    .default("1m"),
  new Option("--origin-map <from=to>", "other servers, for a trial: http://a.example=http://127.0.0.1:8080; may be repeated")
    .argParser(originMap)
    .default([], "none"),
  new Option("--verbatim", "write whatever could differ so that it does not, however it looks").default(false),
  new Option("--idiomatic", "write bodies as values, and what create and update both send as parameters")
    .default(false)
    .conflicts("verbatim"),
  new Option(
    "--strict",
    "exit with 2 where something behaves otherwise, is dropped, is to be done or is to be looked at",
  ).default(false),
  new Option("--handover", "print a script that takes live objects over, in steps that can be undone").default(false),
  new Option("--secrets <what>", "copy: also print those that were given and are read from another namespace")
    .choices(["report", "copy"])
    .default("report"),
  new Option("--force", "translate what was never sent, since it has no OBSERVE").default(false),
  new Option("--ready-on-drift", "what is only observed is Ready, whatever its check says").default(false),
  new Option("--keep-redirects", "let every method be redirected, up to ten times").default(false),
  new Option("--at-least-once", "send a POST or PATCH again that may have arrived (onUnknown: Resend)").default(false),
  new Option("-o, --output <format>", "manifests, or all of it with the report as JSON")
    .choices(["manifests", "json"])
    .default("manifests"),
];

function durationText(text: string): string {
  duration(text);
  return text;
}

function originMap(text: string, before: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("Give FROM=TO, for example http://a.example=http://127.0.0.1:8080.");
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}
