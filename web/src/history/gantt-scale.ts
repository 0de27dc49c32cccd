// Which times a timeline shows, and where they stand: pure but for its signals.
import { signal } from '@preact/signals';

const LEAST_SPAN = 0.05;

export interface Window {
  from: number;
  to: number;
}

export class GanttScale {
  /** Null: everything. */
  readonly window = signal<Window | null>(null);
  readonly scroll = signal(0);
  whole: Window = { from: 0, to: 1 };

  get shown(): Window {
    return this.#within(this.window.value) ?? this.whole;
  }

  /** The same for those who do not draw. */
  get now(): Window {
    return this.#within(this.window.peek()) ?? this.whole;
  }

  /** Zooms about a time; `by` below 1 shows less. */
  zoom(by: number, about?: number): void {
    const { from, to } = this.now;
    const middle = about ?? (from + to) / 2;
    const span = Math.max(LEAST_SPAN, (to - from) * by);
    const start = middle - ((middle - from) / (to - from)) * span;
    this.set({ from: start, to: start + span });
  }

  /** Moves by a part of what is shown. */
  pan(part: number): void {
    const { from, to } = this.now;
    const step = (to - from) * part;
    this.set({ from: from + step, to: to + step });
  }

  set(window: Window | null): void {
    this.window.value = this.#within(window);
  }

  /** No further than the tasks reach, and null for all of them: a link may ask for anything. */
  #within(window: Window | null): Window | null {
    if (!window) return null;
    const span = window.to - window.from;
    if (!(span > 0) || span >= this.whole.to - this.whole.from) return null;
    const from = Math.max(this.whole.from, Math.min(window.from, this.whole.to - span));
    return { from, to: from + span };
  }
}
