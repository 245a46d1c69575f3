// Questions of which only the last one counts: the former is given up, and its answer is not told.

import { problemOf } from "./api.ts";
import type { Problem } from "./types";

export class Latest {
  private current: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Ask after `delay` milliseconds; 0: at once. */
  ask<T>(
    question: (signal: AbortSignal) => Promise<T>,
    told: (answer: T) => void,
    failed: (problem: Problem) => void,
    delay = 0,
  ): void {
    this.stop();
    const own = (this.current = new AbortController());
    const run = () =>
      question(own.signal).then(
        (answer) => {
          if (this.current === own) told(answer);
        },
        (error: unknown) => {
          if (this.current === own) failed(problemOf(error));
        },
      );
    if (delay === 0) void run();
    else this.timer = setTimeout(run, delay);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.current?.abort();
    this.current = null;
  }
}

/** Milliseconds for which a question is waited for while a newer one stands behind it. */
const PATIENCE = 500;

/**
 * Questions that come faster than they are answered: one is under way, and the newest stands behind it. The server is
 * never asked what nobody waits for, and what it says meanwhile is told.
 */
export class Newest {
  private current: { stop: AbortController; since: number } | null = null;
  private next: (() => void) | null = null;

  ask<T>(
    question: (signal: AbortSignal) => Promise<T>,
    told: (answer: T) => void,
    failed: (problem: Problem) => void,
  ): void {
    this.next = () => {
      const own = (this.current = { stop: new AbortController(), since: performance.now() });
      const end = (tell: () => void) => {
        if (this.current !== own) return;
        this.current = null;
        // The next question leaves before this answer is shown.
        const waiting = this.next;
        waiting?.();
        if (!own.stop.signal.aborted) tell();
      };
      this.next = null;
      question(own.stop.signal).then(
        (answer) => end(() => told(answer)),
        (error: unknown) => end(() => failed(problemOf(error))),
      );
    };
    if (this.current === null) this.next();
    else if (performance.now() - this.current.since > PATIENCE) this.current.stop.abort();
  }

  stop(): void {
    this.current?.stop.abort();
    this.current = this.next = null;
  }
}
