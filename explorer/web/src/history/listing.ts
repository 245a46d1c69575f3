// The calls that the history lists, and what is done with them. Whatever comes late changes nothing that is newer.

import { batch, signal } from "@preact/signals";

import { api, problemOf } from "../api.ts";
import { Latest } from "../latest.ts";
import { show } from "../sending.ts";
import { replay } from "../state.ts";
import type { HistoryDetail, HistoryEntry, Problem } from "../types";
import { marked, merged } from "./entries.ts";

const PAGE = 100;

export class Listing {
  /** null: nobody has looked yet. */
  readonly entries = signal<readonly HistoryEntry[] | null>(null);
  /** Whether there are older ones. */
  readonly more = signal(false);
  /** The calls that are marked for comparing, and those that are compared. */
  readonly chosen = signal<readonly number[]>([]);
  readonly pair = signal<readonly [HistoryDetail, HistoryDetail] | null>(null);
  /** What went wrong last. */
  readonly failed = signal<string | null>(null);

  /** The search whose calls are listed, and the one that was asked for last. */
  private shown: string | null = null;
  private asked: string | null = null;
  private readonly tell: (found: number, search: string) => void;
  private readonly looking = new Latest();
  private readonly going = new Latest();
  private readonly opening = new Latest();
  private readonly fail = ({ message }: Problem) => void (this.failed.value = message);

  /** `tell` gets the number of calls that another search than before found. */
  constructor(tell: (found: number, search: string) => void) {
    this.tell = tell;
  }

  /** List the newest calls of a search. */
  look(search: string): void {
    this.asked = search;
    this.failed.value = null;
    this.looking.ask(
      (stop) => api.history(search, undefined, stop),
      (found) => {
        const listed = this.shown === search ? this.entries.peek() : null;
        this.shown = search;
        if (!listed) this.going.stop();
        batch(() => {
          this.entries.value = listed ? merged(found, listed) : found;
          this.more.value = found.length >= PAGE && (!listed || this.more.peek() || listed.length < PAGE);
        });
        if (!listed) this.tell(found.length, search);
      },
      this.fail,
    );
  }

  /** List the calls before the oldest that is listed, of the same search. */
  older(): void {
    const last = this.entries.peek()?.at(-1);
    if (!last || this.shown === null) return;
    const search = this.shown;
    this.failed.value = null;
    this.going.ask(
      (stop) => api.history(search, last.id, stop),
      (found) =>
        batch(() => {
          this.entries.value = [...(this.entries.peek() ?? []), ...found];
          this.more.value = found.length >= PAGE;
        }),
      this.fail,
    );
  }

  mark(id: number, on: boolean): void {
    this.chosen.value = marked(this.chosen.peek(), id, on);
  }

  show(id: number): void {
    this.open((stop) => api.remembered(id, stop), show);
  }

  replay(id: number): void {
    this.open((stop) => api.remembered(id, stop), replay);
  }

  compare(): void {
    const [older, newer] = [...this.chosen.peek()].sort((a, b) => a - b);
    if (older === undefined || newer === undefined) return;
    this.open(
      (stop) => Promise.all([api.remembered(older, stop), api.remembered(newer, stop)]),
      (pair) => (this.pair.value = pair),
    );
  }

  private open<T>(question: (stop: AbortSignal) => Promise<T>, told: (found: T) => void): void {
    this.failed.value = null;
    this.opening.ask(question, told, this.fail);
  }

  /** Whether it was forgotten. */
  forget(id: number): Promise<boolean> {
    return this.without(
      () => api.forget(id),
      (one) => one === id,
    );
  }

  clear(): Promise<boolean> {
    this.opening.stop();
    return this.without(api.forgetAll, () => true);
  }

  /** Have calls forgotten, and no answer that still knows them. */
  private async without(work: () => Promise<null>, gone: (id: number) => boolean): Promise<boolean> {
    this.failed.value = null;
    try {
      await work();
    } catch (error) {
      this.fail(problemOf(error));
      return false;
    }
    batch(() => {
      this.entries.value = this.entries.peek()?.filter(({ id }) => !gone(id)) ?? null;
      this.chosen.value = this.chosen.peek().filter((id) => !gone(id));
    });
    // An answer on its way may still hold them; calls that were made meanwhile are there.
    this.going.stop();
    if (this.asked !== null) this.look(this.asked);
    return true;
  }
}
