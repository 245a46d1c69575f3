// Components whose code is fetched when they are first shown, or when the page has nothing else to do.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

const ahead: (() => Promise<void>)[] = [];

/** Fetch what is still missing, so that it is there when it is wanted. */
export async function loadAhead(): Promise<void> {
  for (const fetch of ahead.splice(0)) await fetch();
}

/**
 * A component that is `Fallback` until its code is there, and stays so where it cannot be fetched. Both get the
 * same properties: an editor's fallback is a plain `<textarea>` over the same value, so nothing typed meanwhile is
 * lost.
 */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Fallback: ComponentType<Props>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  let loading: Promise<void> | null = null;

  function fetch(): Promise<void> {
    loading ??= load().then(
      (found) => {
        loaded = found;
      },
      () => {
        // The next one to be shown asks again.
        loading = null;
      },
    );
    return loading;
  }
  ahead.push(fetch);

  return function Lazy(props: Props) {
    const [, again] = useState(0);
    useEffect(() => {
      if (loaded) return undefined;
      let shown = true;
      void fetch().then(() => shown && loaded && again((n) => n + 1));
      return () => {
        shown = false;
      };
    }, []);
    const Shown = loaded ?? Fallback;
    return <Shown {...props} />;
  };
}
