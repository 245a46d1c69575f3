// The search and the tree below it.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { catalog } from "../state";
import { announce } from "../ui/announce";
import { failures } from "../shell/load";
import { choose } from "./choose";
import { Loading } from "./Loading";
import { type Hit, searcher } from "./search";
import { Tree } from "./Tree";
import { filtered, rows, tree, type TreeNode } from "./tree";

const text = signal("");
/** What is open while browsing, and what is shut among hits, which are open at first. */
const opened = signal<ReadonlySet<string>>(new Set(["v1"]));
const shut = signal<ReadonlySet<string>>(new Set());
const at = signal("");

const whole = computed(() => (catalog.value ? tree(catalog.value) : []));
const search = computed(() => (catalog.value ? searcher(catalog.value) : null));
const hits = computed<Hit[] | null>(() => (text.value.trim() === "" ? null : (search.value?.(text.value) ?? null)));
const why = computed(() => new Map((hits.value ?? []).map((hit) => [hit.operation.id, hit.why] as const)));
const shown = computed(() => {
  if (hits.value === null) return rows(whole.value, (id) => opened.value.has(id));
  const kept = filtered(whole.value, new Set(hits.value.map((hit) => hit.operation.id)));
  return rows(kept, (id) => !shut.value.has(id));
});
const count = computed(() => {
  if (hits.value === null) return "";
  const found = hits.value.length;
  return found === 0 ? "Nothing found" : `${found} ${found === 1 ? "operation" : "operations"} found`;
});

function turn(id: string, open: boolean): void {
  const among = hits.peek() === null ? opened : shut;
  const inside = new Set(among.peek());
  if (open === (among === opened)) inside.add(id);
  else inside.delete(id);
  among.value = inside;
}

function take(node: TreeNode): void {
  if (node.operation) choose(node.operation);
  else turn(node.id, !shown.peek().find((row) => row.node.id === node.id)?.open);
}

function onSearchKey(event: KeyboardEvent): void {
  const first = hits.peek()?.[0];
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && first) {
    event.preventDefault();
    at.value = first.operation.id;
    choose(first.operation);
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    document.querySelector<HTMLElement>(".tree [role=treeitem][tabindex='0']")?.focus();
  }
}

export function ApiTree() {
  // Said once the typing pauses, not at each letter.
  useEffect(() => {
    if (count.value === "") return undefined;
    const timer = setTimeout(() => announce(count.peek()), 400);
    return () => clearTimeout(timer);
  }, [text.value, count.value]);

  return (
    <>
      <div class="search" role="search">
        <input
          id="search-api"
          class="input"
          type="search"
          aria-label="Search paths, fields and parameters"
          placeholder="Search paths, fields, parameters   /"
          value={text.value}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            shut.value = new Set();
            text.value = event.currentTarget.value;
          }}
          onKeyDown={onSearchKey}
        />
        {count.value && <p class="search-count">{count.value}</p>}
      </div>
      <div class="tree-box">
        {catalog.value ? (
          <>
            <Tree
              rows={shown.value}
              why={why.value}
              at={at.value}
              onGo={(id) => (at.value = id)}
              onOpen={turn}
              onChoose={take}
            />
            {hits.value === null && <Unavailable />}
          </>
        ) : (
          <Loading what="the spec" failed={failures.value.catalog} />
        )}
      </div>
    </>
  );
}

function Unavailable() {
  const missing = catalog.value?.unavailable ?? [];
  if (missing.length === 0) return null;
  return (
    <details class="missing">
      <summary>{missing.length} not in this spec</summary>
      <ul>
        {missing.map(({ name, why: reason }) => (
          <li key={name}>
            <span class="mono">{name}</span> <span class="quiet">{reason}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
