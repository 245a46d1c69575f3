// What stands in for an editor whose code is on its way. What is typed into it stays, and so do focus and cursor.

import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  rows: number;
  onInput: (value: string) => void;
  describedBy?: string | undefined;
}

/** Where the cursor was in the field that had the focus when its editor came. */
let left: { label: string; at: number } | null = null;

export function Plain({ label, value, rows, onInput, describedBy }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);

  useLayoutEffect(() => {
    const own = area.current;
    return () => {
      left = own && document.activeElement === own ? { label, at: own.selectionStart } : null;
    };
  }, [label]);

  return (
    <textarea
      ref={area}
      class="textarea code-plain"
      aria-label={label}
      aria-describedby={describedBy}
      rows={rows}
      value={value}
      spellcheck={false}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

/** Where an editor that takes the place of a field puts its cursor; null: the field had no focus. */
export function takeOver(label: string): number | null {
  const at = left?.label === label ? left.at : null;
  left = null;
  return at;
}

/** Put the focus into the editor, or the field that stands in for it, within an element. */
export function focusEditor(within: Element | null): void {
  within?.querySelector<HTMLElement>(".cm-content, .code-plain")?.focus();
}
