// A button with a menu after the ARIA pattern, in the top layer, so that no pane clips it.

import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

export interface MenuItem {
  label: string;
  /** Shown after the label, quieter. */
  hint?: string | undefined;
  disabled?: boolean | undefined;
  onSelect: () => void;
}

interface MenuButtonProps {
  /** The button's text, and the menu's name. */
  label: string;
  items: readonly MenuItem[];
  disabled?: boolean | undefined;
  class?: string;
  children?: ComponentChildren;
}

export function MenuButton({ label, items, disabled = false, children, ...rest }: MenuButtonProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const id = useId();

  const choices = () => [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];

  function show(last = false): void {
    menu.current?.showPopover();
    choices().at(last ? -1 : 0)?.focus();
  }

  function hide(): void {
    menu.current?.hidePopover();
    button.current?.focus();
  }

  function place(): void {
    const from = button.current?.getBoundingClientRect();
    const box = menu.current;
    if (!from || !box) return;
    const { width, height } = box.getBoundingClientRect();
    const above = from.bottom + 4 + height > window.innerHeight && from.top - 4 - height > 0;
    box.style.top = `${above ? from.top - 4 - height : from.bottom + 4}px`;
    box.style.left = `${Math.max(8, Math.min(from.left, window.innerWidth - width - 8))}px`;
  }

  function onMenuKey(event: KeyboardEvent): void {
    const all = choices();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else if (event.key === "Escape") hide();
    else if (event.key === "Tab") return hide();
    else if (event.key.length === 1 && event.key !== " ") {
      const next = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      next.find((one) => one.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        class={rest.class ?? "button"}
        aria-haspopup="menu"
        aria-expanded={open}
        disabled={disabled}
        popoverTarget={id}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          show(event.key === "ArrowUp");
        }}
      >
        {children ?? label} <span aria-hidden="true">▾</span>
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        class="menu"
        role="menu"
        aria-label={label}
        onKeyDown={onMenuKey}
        onToggle={(event) => {
          const opened = event.newState === "open";
          setOpen(opened);
          if (!opened) return;
          place();
          if (!menu.current?.contains(document.activeElement)) choices()[0]?.focus();
        }}
      >
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            tabIndex={-1}
            aria-disabled={item.disabled || undefined}
            onClick={() => {
              if (item.disabled) return;
              hide();
              item.onSelect();
            }}
          >
            {item.label}
            {item.hint && <span class="quiet"> {item.hint}</span>}
          </button>
        ))}
      </div>
    </>
  );
}
