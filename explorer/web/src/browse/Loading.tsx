import { load } from "../shell/load";

/** In the place of what is not there yet, or could not be had. */
export function Loading({ what, failed }: { what: string; failed: string | null }) {
  if (failed === null) return <p class="empty">Reading {what}…</p>;
  return (
    <div class="note bad stack" role="alert">
      <p>
        There is no reading {what}: {failed}
      </p>
      <div>
        <button type="button" class="button small" onClick={() => void load()}>
          Try again
        </button>
      </div>
    </div>
  );
}
