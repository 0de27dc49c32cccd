// Where a long list stands. It lives in the model and not in the list, so that a list that is taken
// away and shown again stands where it stood.
import { signal } from '@preact/signals';

export class Position {
  /** The content's pixel at the upper edge. */
  readonly top = signal(0);
  /** Pixels to be seen. */
  readonly viewport = signal(0);
  rows = 0;
  /** A row to reveal once the list has a size. */
  #waiting: number | null = null;

  constructor(readonly rowHeight: number) {}

  get last(): number {
    return Math.max(0, this.rows * this.rowHeight - this.viewport.peek());
  }

  move(top: number): void {
    this.top.value = Math.max(0, Math.min(top, this.last));
  }

  /** Scrolls as little as needed; a row that is far away comes to the middle. */
  reveal(row: number): void {
    const size = this.viewport.peek();
    this.#waiting = size === 0 ? row : null;
    if (size === 0) return;
    const start = row * this.rowHeight;
    const top = this.top.peek();
    if (start >= top && start + this.rowHeight <= top + size) return;
    const near = start > top - size && start < top + 2 * size;
    if (!near) this.move(start - (size - this.rowHeight) / 2);
    else this.move(start < top ? start : start + this.rowHeight - size);
  }

  measured(size: number): void {
    const waiting = this.#waiting;
    this.viewport.value = size;
    if (waiting !== null && size > 0) this.reveal(waiting);
  }

  get pageRows(): number {
    return Math.max(1, Math.floor(this.viewport.peek() / this.rowHeight) - 1);
  }
}
