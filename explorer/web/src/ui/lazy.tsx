// Components whose code is fetched when they are first shown, or when the page has nothing else to do.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

const ahead: (() => Promise<void>)[] = [];

/** Fetch what is still missing, so that it is there when it is wanted. */
export async function loadAhead(): Promise<void> {
  for (const fetch of ahead.splice(0)) await fetch();
}

/**
 * A component whose code is fetched. `Fallback` does its work until then, and for good where the code cannot be had:
 * an editor's is a plain `<textarea>` over the same value, so nothing typed meanwhile is lost. Where there is none,
 * nothing is shown until then, and what is missing is said.
 */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Fallback?: ComponentType<Props>,
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
    const [tried, setTried] = useState(false);
    useEffect(() => {
      let shown = true;
      if (!loaded) void fetch().then(() => shown && setTried(true));
      return () => {
        shown = false;
      };
    }, []);
    const Shown = loaded ?? Fallback;
    if (Shown) return <Shown {...props} />;
    return tried ? <Missing /> : null;
  };
}

function Missing() {
  return (
    <p class="note bad" role="alert">
      A part of this page cannot be fetched. What you typed stays.{" "}
      <button type="button" class="button small" onClick={() => window.location.reload()}>
        Reload
      </button>
    </p>
  );
}
