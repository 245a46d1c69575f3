// A modal dialog: open while it is mounted, and the focus goes back to where it was.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface DialogProps {
  /** Its heading and accessible name. */
  title: string;
  /** Asked for by Escape, the close button or a click beside it; unmount it then. */
  onClose: () => void;
  wide?: boolean;
  /** Its buttons, kept in sight below what scrolls. */
  foot?: ComponentChildren;
  children?: ComponentChildren;
}

export function Dialog({ title, onClose, wide = false, foot, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const dialog = box.current;
    if (!dialog) return undefined;
    // Chromium closes a dialog by a second Escape without asking: so both events count, once mounted.
    const closed = () => close.current();
    const cancelled = (event: Event) => {
      if (event.target !== dialog) return;
      event.preventDefault();
      close.current();
    };
    dialog.addEventListener("close", closed);
    dialog.addEventListener("cancel", cancelled);
    dialog.showModal();
    return () => {
      dialog.removeEventListener("close", closed);
      dialog.removeEventListener("cancel", cancelled);
      dialog.close();
    };
  }, []);

  return (
    <dialog
      ref={box}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={heading}
      onPointerDown={(event) => event.target === box.current && onClose()}
    >
      <div class="dialog-box">
        <div class="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button type="button" class="icon" aria-label="Close" onClick={onClose}>
            <span aria-hidden="true">✕</span>
          </button>
        </div>
        <div class="dialog-body">{children}</div>
        {foot && <div class="dialog-foot">{foot}</div>}
      </div>
    </dialog>
  );
}
