// A text field with suggestions after the ARIA pattern: anything may be typed, the list only helps.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Option {
  value: string;
  note: string;
}

interface Props {
  label: string;
  value: string;
  onInput: (value: string) => void;
  onPick: (value: string) => void;
  options: (text: string) => readonly Option[];
  class?: string;
  /** Shown while it is empty. */
  placeholder?: string;
}

export function Combobox({ label, value, onInput, onPick, options, ...rest }: Props) {
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const shown = open ? options(value) : [];
  // What is there already need not be offered.
  const visible = shown.length > 1 || (shown.length === 1 && shown[0]!.value !== value);

  useLayoutEffect(() => {
    const [from, box] = [field.current, list.current];
    if (!from || !box || !visible) return undefined;
    box.showPopover();
    const { left, bottom, top, width } = from.getBoundingClientRect();
    const above = window.innerHeight - bottom < 160 && top > window.innerHeight - bottom;
    box.style.maxHeight = `${Math.min(320, (above ? top : window.innerHeight - bottom) - 12)}px`;
    box.style.minWidth = `${width}px`;
    box.style.left = `${Math.max(8, Math.min(left, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${above ? top - box.offsetHeight - 2 : bottom + 2}px`;
    return () => box.hidePopover();
  }, [visible]);

  useEffect(() => {
    if (!visible) return undefined;
    const close = (event: Event) => {
      if (event.target !== list.current) setOpen(false);
    };
    window.addEventListener("scroll", close, true);
    window.addEventListener("resize", close);
    return () => {
      window.removeEventListener("scroll", close, true);
      window.removeEventListener("resize", close);
    };
  }, [visible]);

  useLayoutEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active]);

  function pick(option: Option): void {
    setOpen(false);
    setActive(-1);
    onPick(option.value);
    field.current?.focus();
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) {
      // It is sent: the answer is not to be covered.
      if (event.key === "Enter") setOpen(false);
      return;
    }
    const chosen = shown[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      setOpen(true);
      // Beyond the ends is the field itself, which no option stands for.
      if (visible) setActive(((active + 1 + by + shown.length + 1) % (shown.length + 1)) - 1);
    } else if (event.key === "Enter" && chosen) pick(chosen);
    else if (event.key === "Escape") {
      setOpen(false);
      if (!visible) return;
    } else return;
    event.preventDefault();
  }

  return (
    <div class={`combobox ${rest.class ?? ""}`}>
      <input
        ref={field}
        class="input mono"
        role="combobox"
        aria-label={label}
        aria-expanded={visible}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={visible && active >= 0 ? `${id}-${active}` : undefined}
        placeholder={rest.placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={value}
        onInput={(event) => {
          setOpen(true);
          setActive(-1);
          onInput(event.currentTarget.value);
        }}
        onKeyDown={onKey}
        onClick={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      />
      <ul ref={list} id={id} role="listbox" aria-label={`${label}: suggestions`} popover="manual" class="menu options">
        {shown.map((option, index) => (
          <li
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => pick(option)}
          >
            <span class="mono">{option.value}</span> <span class="quiet small">{option.note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
