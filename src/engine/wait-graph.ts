/**
 * Who waits for whom, and who so waits for itself. An id is a resource's key in the queue; all that wait for each other are of
 * one namespace.
 *
 * Invariant: what it takes to tell whether one waits for itself follows what has changed in its namespace since that was last
 * asked, and not how often it is asked; where nothing has, it is a look-up.
 */
import { cycleThrough } from "../core/tools/cycle.ts";
import { keyParts } from "./key.ts";

export interface WaitGraph {
  /** What `id` waits for from now on. */
  set(id: string, waitsFor: readonly string[]): void;
  /** The circle in which it waits for itself, as `Kind/name` from itself to itself. What is long is shown by its ends. */
  cycleOf(id: string): readonly string[] | undefined;
  /** How many waits have been looked at so far, to find out who waits for itself. */
  readonly looks: number;
}

interface Node {
  readonly id: string;
  waitsFor: readonly Node[];
  /** How many wait for it. */
  awaited: number;
  /** All with the same number wait for each other. */
  circle: number | undefined;
}
interface Graph {
  readonly nodes: Map<string, Node>;
  /** Whether the nodes' circles are no longer known. */
  isStale: boolean;
  sizes: ReadonlyMap<number, number>;
}

/** A shortest way is looked for among so many, and shown up to so many. */
const maxSearched = 200;
const maxShown = 12;

export function createWaitGraph(): WaitGraph {
  const graphs = new Map<string, Graph>();
  let looks = 0;

  function nodeOf({ nodes }: Graph, id: string): Node {
    const node = nodes.get(id) ?? { id, waitsFor: [], awaited: 0, circle: undefined };
    nodes.set(id, node);
    return node;
  }
  function forgetUnused(graph: Graph, node: Node): void {
    if (node.waitsFor.length === 0 && node.awaited === 0) graph.nodes.delete(node.id);
  }
  function refresh(graph: Graph): void {
    if (!graph.isStale) return;
    graph.isStale = false;
    const found = findCircles(graph.nodes.values());
    graph.sizes = found.sizes;
    looks += found.looks;
  }
  return {
    set(id, waitsFor) {
      const { namespace } = keyParts(id);
      const known = graphs.get(namespace);
      if (!known && waitsFor.length === 0) return;
      const graph = known ?? { nodes: new Map<string, Node>(), isStale: false, sizes: new Map<number, number>() };
      graphs.set(namespace, graph);
      const node = nodeOf(graph, id);
      const before = node.waitsFor;
      const after = [...new Set(waitsFor)].map((target) => nodeOf(graph, target));
      const isSame = before.length === after.length && before.every((target, index) => target === after[index]);
      if (!isSame) {
        for (const target of after) target.awaited += 1;
        for (const target of before) target.awaited -= 1;
        node.waitsFor = after;
        // Nobody can wait for itself through one that nobody waits for; and to leave no circle makes none.
        const isLess = after.every((target) => before.includes(target));
        if (node.circle !== undefined || (node.awaited > 0 && !isLess)) graph.isStale = true;
      }
      for (const one of [node, ...before]) forgetUnused(graph, one);
      if (graph.nodes.size === 0) graphs.delete(namespace);
    },
    cycleOf(id) {
      const graph = graphs.get(keyParts(id).namespace);
      const node = graph?.nodes.get(id);
      if (!graph || !node) return undefined;
      refresh(graph);
      const { circle } = node;
      return circle === undefined ? undefined : shorten(wayThrough(id, circle, graph));
    },
    get looks() {
      return looks;
    },
  };
}

/** From `id` to itself: the shortest way, or its ends alone where so many wait for each other that looking for it takes long. */
function wayThrough(id: string, circle: number, { nodes, sizes }: Graph): readonly string[] | undefined {
  if ((sizes.get(circle) ?? 0) > maxSearched) return [id, "…", id];
  return cycleThrough(id, (from) => (nodes.get(from)?.waitsFor ?? []).filter((to) => to.circle === circle).map((to) => to.id));
}
function shorten(way: readonly string[] | undefined): readonly string[] | undefined {
  const names = way?.map((node) => node.replace(/\/.*\//, "/"));
  return names && names.length > maxShown ? [...names.slice(0, maxShown - 2), "…", ...names.slice(-1)] : names;
}

interface Visit {
  readonly node: Node;
  readonly order: number;
  /** Where it is among those whose circle is not known yet. */
  readonly place: number;
  /** The earliest of those that it reaches. */
  low: number;
  next: number;
}

/**
 * Numbers the circles: strongly connected components of more than one node, or with a loop. Each node and each wait is looked at
 * once (Tarjan 1972, without recursion).
 */
function findCircles(nodes: Iterable<Node>): { readonly sizes: ReadonlyMap<number, number>; readonly looks: number } {
  const visits = new Map<Node, Visit>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  const sizes = new Map<number, number>();
  let looks = 0;
  function visit(node: Node): Visit {
    const made = { node, order: visits.size, place: open.length, low: visits.size, next: 0 };
    visits.set(node, made);
    open.push(node);
    isOpen.add(node);
    return made;
  }
  function close({ node, order, place }: Visit): void {
    const members = open.splice(place);
    const isCircle = members.length > 1 || node.waitsFor.includes(node);
    for (const member of members) {
      isOpen.delete(member);
      member.circle = isCircle ? order : undefined;
    }
    if (isCircle) sizes.set(order, members.length);
  }
  for (const start of nodes) {
    const way = visits.has(start) ? [] : [visit(start)];
    for (let last = way.at(-1); last; last = way.at(-1)) {
      const target = last.node.waitsFor[last.next];
      last.next += 1;
      if (target) {
        looks += 1;
        const known = visits.get(target);
        if (!known) way.push(visit(target));
        else if (isOpen.has(target)) last.low = Math.min(last.low, known.order);
        continue;
      }
      way.pop();
      if (last.low === last.order) close(last);
      const before = way.at(-1);
      if (before) before.low = Math.min(before.low, last.low);
    }
  }
  return { sizes, looks };
}
