/**
 * Resources of a release, by labels: of those that more than one replica counts, as standbys do, once, and of those of slots each.
 * `matchers`: further ones, after a comma.
 */
export function countBy(labels: string, matchers: string): string {
  return `sum by (${labels}) (max by (kind, condition, status, slot) (holdfast_resources{$release${matchers}}))`;
}
