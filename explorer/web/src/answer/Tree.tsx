// A JSON value as a tree (WAI-ARIA): arrows walk and open, only what is in sight is in the page.

import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";

import { Whole } from "./Whole";
import { firstOpen, listed, move, type Node } from "./nodes.ts";
import { useVirtual } from "./virtual.ts";

const HEIGHT = 24;
/** Texts longer than this are shown whole on a click. */
const LONG = 60;

interface TreeProps {
  value: unknown;
  /** What its root is called. */
  name: string;
  label: string;
}

export function Tree({ value, name, label }: TreeProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => firstOpen(value));
  const [at, setAt] = useState(0);
  const [whole, setWhole] = useState<Node | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const rows = useMemo(() => listed(value, open, name), [value, open, name]);
  const list = useVirtual(rows.length, HEIGHT, scroller);
  const shown = useRef(value);

  useEffect(() => {
    if (shown.current === value) return;
    shown.current = value;
    setOpen(firstOpen(value));
    setAt(0);
  }, [value]);

  function toggle(node: string): void {
    const next = new Set(open);
    if (!next.delete(node)) next.add(node);
    setOpen(next);
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = move(rows, at, event.key);
    if (!moved) return;
    event.preventDefault();
    if (moved.toggle) toggle(moved.toggle);
    else if (event.key === "Enter" && isLong(rows[at]!)) setWhole(rows[at]!);
    setAt(moved.at);
    list.scrollToIndex(moved.at, { align: "auto" });
  }

  const items = list.getVirtualItems();
  const inSight = items.some(({ index }) => index === at);
  return (
    <>
      <div
        ref={scroller}
        class="tree scroller mono"
        role="tree"
        aria-label={label}
        tabIndex={0}
        aria-activedescendant={inSight ? `${id}-${at}` : undefined}
        onKeyDown={onKey}
      >
        <div role="presentation" class="tree-all" style={{ height: `${list.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const node = rows[index];
            if (!node) return null;
            return (
              <div
                key={node.id}
                id={`${id}-${index}`}
                role="treeitem"
                class={index === at ? "tree-row active" : "tree-row"}
                aria-level={node.level}
                aria-posinset={node.position}
                aria-setsize={node.of}
                aria-selected={index === at}
                aria-expanded={node.open ?? undefined}
                style={{ transform: `translateY(${start}px)`, paddingLeft: `${(node.level - 1) * 14 + 6}px` }}
                onClick={() => {
                  setAt(index);
                  if (node.open !== null) toggle(node.id);
                  else if (isLong(node)) setWhole(node);
                }}
              >
                <span class="tree-sign" aria-hidden="true">
                  {node.open === null ? "" : node.open ? "▾" : "▸"}
                </span>
                <span class="tree-key">{node.key}</span>
                <span class="quiet">{node.kind === "chunk" ? "" : ": "}</span>
                <span class={`tree-${node.kind}`}>{node.text.slice(0, 300)}</span>
              </div>
            );
          })}
        </div>
      </div>
      {whole && <Whole title={whole.key} value={whole.value} onClose={() => setWhole(null)} />}
    </>
  );
}

const isLong = (node: Node): boolean => node.kind === "string" && node.text.length > LONG;
