// Lists of which only what is in sight is in the page: TanStack's virtualizer as a hook.

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

type List = Virtualizer<HTMLElement, HTMLElement>;

/** `height`: of one row, in pixels; `above`: what lies over the first row in the scroller. */
export function useVirtual(count: number, height: number, scroller: RefObject<HTMLElement | null>, above = 0): List {
  const [, render] = useReducer<number, void>((n) => n + 1, 0);
  const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
    count,
    estimateSize: () => height,
    getScrollElement: () => scroller.current,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => render(),
    overscan: 8,
    paddingStart: above,
    scrollPaddingStart: above,
    // Some rows are drawn before the size is known: the first paint has them.
    initialRect: { width: 600, height: 480 },
  };
  const [list] = useState(() => new Virtualizer(options));
  list.setOptions(options);
  useLayoutEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => list._willUpdate());
  useLayoutEffect(() => list.measure(), [list, height]);
  return list;
}
