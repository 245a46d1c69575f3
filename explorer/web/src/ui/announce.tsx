// What is said aside: to screen readers by `announce`, to everyone by `toast`.

import { signal } from "@preact/signals";

export interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void } | null;
}

const spoken = signal("");
const toasts = signal<Toast[]>([]);
let count = 0;

/** Have screen readers say something, without showing it. */
export function announce(text: string): void {
  // The same words twice are said twice: a trailing no-break space makes them another text.
  spoken.value = spoken.peek() === text ? `${text}\u00a0` : text;
}

/**
 * Show a short message for some seconds, and have it said; `action` may take back what was done. The same words take
 * the place of the message that has them already.
 */
export function toast(text: string, action: Toast["action"] = null): void {
  const id = ++count;
  const others = toasts.peek().filter((one) => one.text !== text);
  toasts.value = [...others.slice(-2), { id, text, action }];
  setTimeout(() => dismiss(id), action ? 12_000 : 5_000);
}

function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((one) => one.id !== id);
}

/** Where both appear; the shell has the only one. */
export function Announcements() {
  return (
    <>
      <div class="visually-hidden" aria-live="polite">
        {spoken.value}
      </div>
      <div class="toasts" aria-live="polite">
        {toasts.value.map(({ id, text, action }) => (
          <div class="toast" key={id}>
            <span>{text}</span>
            {action && (
              <button
                type="button"
                class="button small"
                onClick={() => {
                  dismiss(id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            )}
          </div>
        ))}
      </div>
    </>
  );
}
