// The catalogue as a tree, and how the keyboard moves in it. Knows nothing of the page.

import type { Catalog, Category, Operation } from "../types";

export interface TreeNode {
  /** Unique in the tree. */
  id: string;
  /** What is shown: a title, or the rest of a path within its category. */
  label: string;
  /** What an operation's name has before `label`, and readers of the screen cannot see. */
  before: string;
  /** What typing letters looks for. */
  typed: string;
  doc: string;
  operation: Operation | null;
  children: TreeNode[];
}

/** A node that can be seen, with what ARIA wants to know about it. */
export interface Row {
  node: TreeNode;
  /** The nearest row above that holds this one. */
  parent: TreeNode | null;
  level: number;
  place: number;
  among: number;
  /** null: it has no children. */
  open: boolean | null;
}

export function tree(catalog: Catalog): TreeNode[] {
  return catalog.groups.map((group) => ({
    id: group.id,
    label: group.title,
    before: "",
    typed: group.title.toLowerCase(),
    doc: group.doc,
    operation: null,
    children: group.categories.map((category) => ({
      id: `${group.id}/${category.name}`,
      label: category.title,
      before: "",
      typed: category.title.toLowerCase(),
      doc: category.doc,
      operation: null,
      children: leaves(category),
    })),
  }));
}

function leaves(category: Category): TreeNode[] {
  const shared = prefix(category.operations.map(({ path }) => path));
  return category.operations.toSorted(order).map((operation) => {
    const { id } = operation;
    const label = short(operation, shared);
    return {
      id,
      label,
      before: id.slice(operation.method.length + 1, id.length - label.length),
      typed: label.replace(/^\//, "").toLowerCase(),
      doc: operation.title,
      operation,
      children: [],
    };
  });
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** By path, one object before what lies below its neighbours; what shares path and method stays as it is. */
function order(a: Operation, b: Operation): number {
  const [one, other] = [a.path.replaceAll("{", " "), b.path.replaceAll("{", " ")];
  return one < other ? -1 : one > other ? 1 : METHODS.indexOf(a.method) - METHODS.indexOf(b.method);
}

/** What all paths begin with, in whole segments. */
export function prefix(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => path.split("/"));
  let count = first.length;
  for (const segments of others) {
    let same = 0;
    while (same < count && segments[same] === first[same]) same += 1;
    count = same;
  }
  return first.slice(0, count).join("/");
}

/** What tells an operation from its neighbours: a command's name, else the rest of its path. */
function short({ id, method, path }: Operation, shared: string): string {
  const command = id.slice(`${method} ${path}`.length).trim();
  return command || path.slice(shared.length) || path.slice(path.lastIndexOf("/"));
}

/** The same tree with the operations that `keep` names; what is left empty goes. */
export function filtered(nodes: readonly TreeNode[], keep: ReadonlySet<string>): TreeNode[] {
  return nodes.flatMap((node) => {
    if (node.operation) return keep.has(node.id) ? [node] : [];
    const children = filtered(node.children, keep);
    return children.length > 0 ? [{ ...node, children }] : [];
  });
}

/** The ids of what holds an operation, from the top; empty: nothing does. */
export function way(nodes: readonly TreeNode[], id: string): string[] {
  for (const node of nodes) {
    if (node.children.some((child) => child.operation?.id === id)) return [node.id];
    const found = way(node.children, id);
    if (found.length > 0) return [node.id, ...found];
  }
  return [];
}

export function rows(nodes: readonly TreeNode[], open: (id: string) => boolean): Row[] {
  const seen: Row[] = [];
  const walk = (some: readonly TreeNode[], parent: TreeNode | null, level: number): void => {
    some.forEach((node, index) => {
      const opened = node.children.length > 0 ? open(node.id) : null;
      seen.push({ node, parent, level, place: index + 1, among: some.length, open: opened });
      if (opened) walk(node.children, node, level + 1);
    });
  };
  walk(nodes, null, 1);
  return seen;
}

/** What a key asks of the tree; null: nothing. */
export type Act = { go: string } | { open: string } | { shut: string } | { choose: TreeNode } | null;

export function act(seen: readonly Row[], at: string, key: string): Act {
  const index = seen.findIndex(({ node }) => node.id === at);
  const row = seen[index];
  if (!row) return null;
  const to = (target: Row | undefined): Act => (target ? { go: target.node.id } : null);
  switch (key) {
    case "ArrowDown":
      return to(seen[index + 1]);
    case "ArrowUp":
      return to(seen[index - 1]);
    case "Home":
      return to(seen[0]);
    case "End":
      return to(seen.at(-1));
    case "ArrowRight":
      if (row.open === null) return null;
      return row.open ? to(seen[index + 1]) : { open: at };
    case "ArrowLeft":
      if (row.open) return { shut: at };
      return row.parent ? { go: row.parent.id } : null;
    case "Enter":
    case " ":
      return { choose: row.node };
    default:
      return null;
  }
}

/** The next row, from `at` on, that begins with what was typed; one letter typed again goes on to the next. */
export function typedTo(seen: readonly Row[], at: string, typed: string): string | null {
  const index = seen.findIndex(({ node }) => node.id === at);
  const letters = typed.toLowerCase();
  const again = letters.length > 1 && [...letters].every((one) => one === letters[0]);
  const wanted = again ? letters.slice(0, 1) : letters;
  const from = wanted.length === 1 ? index + 1 : Math.max(index, 0);
  const round = [...seen.slice(from), ...seen.slice(0, from)];
  return round.find(({ node }) => node.typed.startsWith(wanted))?.node.id ?? null;
}
