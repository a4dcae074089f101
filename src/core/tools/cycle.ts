/** Circles in a graph. Pure: the edges are an argument. */

/**
 * The shortest way along `next` from `start` back to it, both ends included; `undefined` where there is none. Each node is
 * visited once, so it ends for every finite graph.
 */
export function cycleThrough(start: string, next: (node: string) => Iterable<string>): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  let frontier = [start];
  while (frontier.length > 0) {
    const following: string[] = [];
    for (const node of frontier) {
      for (const target of next(node)) {
        if (target === start) return [...wayTo(node, cameFrom), start];
        if (cameFrom.has(target)) continue;
        cameFrom.set(target, node);
        following.push(target);
      }
    }
    frontier = following;
  }
  return undefined;
}

function wayTo(node: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [node];
  for (let before = cameFrom.get(node); before !== undefined; before = cameFrom.get(before)) way.push(before);
  return way.toReversed();
}
