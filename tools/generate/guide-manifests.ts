/** The manifests in the guide's pages: the files of examples/, word for word, each below the line that names it. */

const named = /^(.*\[examples\/([\w-]+\.yaml)\]\(\.\.\/\.\.\/examples\/[\w-]+\.yaml\).*)\n\n```yaml\n[\s\S]*?```$/gm;

/** `page` with each manifest as `example` gives it by its file's name. */
export function withManifests(page: string, example: (file: string) => string): string {
  return page.replace(named, (_, line: string, file: string) => `${line}\n\n\`\`\`yaml\n${example(file)}\`\`\``);
}
