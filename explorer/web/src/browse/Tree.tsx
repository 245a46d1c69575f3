// The API's tree after the ARIA pattern: one tab stop, arrows, Home, End, Enter, and letters to jump.

import { useEffect, useRef } from "preact/hooks";

import { operation } from "../state";
import { Method } from "../ui/badges";
import { act, type Row, type TreeNode, typedTo } from "./tree";

interface TreeProps {
  rows: readonly Row[];
  /** Why an operation is shown, by its id. */
  why: ReadonlyMap<string, readonly string[]>;
  /** The row that has the tab stop. */
  at: string;
  onGo: (id: string) => void;
  onOpen: (id: string, open: boolean) => void;
  onChoose: (node: TreeNode) => void;
}

const PAUSE = 700;

export function Tree({ rows, why, at, onGo, onOpen, onChoose }: TreeProps) {
  const box = useRef<HTMLDivElement>(null);
  const typing = useRef({ text: "", when: 0 });
  const items = () => [...(box.current?.querySelectorAll<HTMLElement>("[role=treeitem]") ?? [])];
  const here = rows.some(({ node }) => node.id === at) ? at : (rows[0]?.node.id ?? "");

  // At the start, and when another request came from elsewhere.
  const chosen = rows.find(({ node }) => node.operation !== null && node.id === operation.value?.id)?.node.id;
  useEffect(() => {
    if (chosen) box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  function go(id: string): void {
    onGo(id);
    const index = rows.findIndex(({ node }) => node.id === id);
    items()[index]?.focus();
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // A screen reader may have put the focus elsewhere than the tab stop.
    const index = items().findIndex((item) => item === event.target);
    const from = rows[index]?.node.id ?? here;
    const asked = act(rows, from, event.key);
    if (asked === null) {
      if (event.key.length !== 1 || event.key === "/" || event.key === " ") return;
      const { text, when } = typing.current;
      typing.current = { text: event.timeStamp - when < PAUSE ? text + event.key : event.key, when: event.timeStamp };
      const found = typedTo(rows, from, typing.current.text);
      if (found !== null) go(found);
    } else if ("go" in asked) go(asked.go);
    else if ("open" in asked) onOpen(asked.open, true);
    else if ("shut" in asked) onOpen(asked.shut, false);
    else {
      onGo(from);
      onChoose(asked.choose);
    }
    event.preventDefault();
  }

  return (
    <div class="tree" role="tree" aria-label="API" ref={box} onKeyDown={onKey}>
      {rows.map((row) => (
        <Item
          key={row.node.id}
          row={row}
          why={why.get(row.node.id) ?? []}
          here={row.node.id === here}
          chosen={row.node.id === chosen}
          onClick={() => {
            go(row.node.id);
            onChoose(row.node);
          }}
        />
      ))}
    </div>
  );
}

interface ItemProps {
  row: Row;
  why: readonly string[];
  here: boolean;
  chosen: boolean;
  onClick: () => void;
}

function Item({ row: { node, level, place, among, open }, why, here, chosen, onClick }: ItemProps) {
  const { operation: of } = node;
  const reasons = why.join(" · ");
  const unsure = of?.certainty === "inferred" ? "inferred" : "";
  return (
    <div
      role="treeitem"
      class={`tree-item level-${level}`}
      aria-description={[unsure, reasons].filter(Boolean).join(", ") || undefined}
      aria-level={level}
      aria-posinset={place}
      aria-setsize={among}
      aria-expanded={open ?? undefined}
      aria-selected={of ? chosen : undefined}
      tabIndex={here ? 0 : -1}
      title={node.doc || undefined}
      onClick={onClick}
    >
      {of ? (
        <>
          <Method name={of.method} />{" "}
        </>
      ) : (
        <span class="twist" aria-hidden="true">
          {open ? "▾" : "▸"}
        </span>
      )}
      <span class="tree-label">
        <span class="tree-before">{node.before}</span>
        {node.label}
        {reasons && (
          <span class="tree-why" aria-hidden="true">
            {reasons}
          </span>
        )}
      </span>
      {unsure && (
        <span class="tree-mark certainty-inferred" aria-hidden="true">
          {unsure}
        </span>
      )}
      {!of && level === 2 && (
        <span class="tree-mark" aria-hidden="true">
          {node.children.length}
        </span>
      )}
    </div>
  );
}
