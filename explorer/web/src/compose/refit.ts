// What stays of a request whose operation changes under it, and the rows in which its parameters are shown.

import type { Composed, Operation, Param } from "../types";

/** The request as it goes on under another operation: all that was typed stays, what was only offered goes. */
export function refit(request: Composed, before: Operation, after: Operation | null): Composed {
  const known = new Set(after?.params.map(({ name }) => name));
  const offered = request.body === (before.body?.example ?? "");
  const typed = request.content_type !== (before.body?.media_type ?? "");
  return {
    ...request,
    params: request.params.filter(({ name, value, on }) => on || value !== "" || known.has(name)),
    body: offered ? (after?.body?.example ?? "") : request.body,
    content_type: typed ? request.content_type : (after?.body?.media_type ?? ""),
  };
}

/** A parameter as it is shown; `index` is its place in the request, null while it is only offered. */
export interface Row {
  key: string;
  name: string;
  value: string;
  on: boolean;
  index: number | null;
  doc: string;
  /** Whether its name can be changed: the operation does not know it. */
  free: boolean;
}

/** The parameters that say which objects, in which order, with which fields: what one asks comes before how. */
const FIRST = ["query", "orderby", "fields", "size"];

export function comesFirst(name: string): boolean {
  return FIRST.includes(name);
}

/** The operation's own parameters, those that say what is asked first, then the others, each in their order. */
export function rows(params: readonly Param[], operation: Operation | null): Row[] {
  const left = new Map(params.entries());
  const offered = operation?.params ?? [];
  const first = FIRST.flatMap((name) => offered.filter((param) => param.name === name));
  const own = [...first, ...offered.filter(({ name }) => !comesFirst(name))].map(({ name, doc }): Row => {
    const index = [...left].find(([, param]) => param.name === name)?.[0] ?? null;
    const param = index === null ? undefined : left.get(index);
    if (index !== null) left.delete(index);
    return { key: `own ${name}`, name, value: param?.value ?? "", on: param?.on ?? false, index, doc, free: false };
  });
  const free = [...left].map(([index, param]): Row => ({ key: `free ${index}`, ...param, index, doc: "", free: true }));
  return [...own, ...free];
}

/** The parameters after a row's value was typed: its first character switches it on, emptying it off. */
export function typed(params: readonly Param[], row: Row, value: string): Param[] {
  if (row.index === null) return [...params, { name: row.name, value, on: value !== "" }];
  return params.map((param, index) => {
    if (index !== row.index) return param;
    const on = value !== "" ? param.value === "" || param.on : row.free && param.on;
    return { ...param, value, on };
  });
}

/** The parameters after a row was switched on or off. */
export function switched(params: readonly Param[], row: Row, on: boolean): Param[] {
  if (row.index === null) return [...params, { name: row.name, value: "", on }];
  return params.map((param, index) => (index === row.index ? { ...param, on } : param));
}
