import type { ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { announce } from "../ui/announce";

/** Have a count said once the typing pauses, not at each letter. */
export function useSaid(count: ReadonlySignal<string>): void {
  useEffect(() => {
    if (count.value === "") return undefined;
    const timer = setTimeout(() => announce(count.peek()), 400);
    return () => clearTimeout(timer);
  }, [count.value]);
}
