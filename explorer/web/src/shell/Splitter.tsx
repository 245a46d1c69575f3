// What separates two panes: dragged, or moved by the arrow keys; Enter or a double click gives the usual size back.

import { sizes } from "./layout";
import { clamp, DEFAULTS, LIMITS, moved, type Sizes } from "./sizes";

interface SplitterProps {
  pane: keyof Sizes;
  /** The accessible name. */
  label: string;
  /** The id of the pane before it, whose size it changes. */
  controls: string;
  /** Between panes beside each other, not above each other. */
  upright: boolean;
  /** At the left edge of its parent, and moving that edge. */
  edge?: boolean;
}

export function Splitter({ pane, label, controls, upright, edge = false }: SplitterProps) {
  const now = sizes.value[pane];
  const [low, high] = LIMITS[pane];
  const set = (percent: number) => (sizes.value = { ...sizes.value, [pane]: clamp(pane, percent) });

  function drag(event: PointerEvent): void {
    const bar = event.currentTarget as HTMLElement;
    const parent = edge ? bar.parentElement?.parentElement : bar.parentElement;
    const shared = parent?.getBoundingClientRect();
    if (!shared || !bar.hasPointerCapture(event.pointerId)) return;
    const part = upright
      ? (event.clientX - shared.left) / shared.width
      : (event.clientY - shared.top) / shared.height;
    set(part * 100);
  }

  return (
    <div
      role="separator"
      class={`splitter${upright ? " upright" : ""}${edge ? " edge" : ""}`}
      aria-label={label}
      aria-controls={controls}
      aria-orientation={upright ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(now)}
      aria-valuemin={low}
      aria-valuemax={high}
      tabIndex={0}
      onPointerDown={(event) => event.button === 0 && event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDblClick={() => set(DEFAULTS[pane])}
      onKeyDown={(event) => {
        const to = moved(pane, now, event.key, upright);
        if (to === null) return;
        event.preventDefault();
        set(to);
      }}
    />
  );
}
