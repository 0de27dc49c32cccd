// Where a long list stands. It lives in the model and not in the list, so that a list that is taken
// away and shown again stands where it stood.
import { signal } from '@preact/signals';

export class Position {
  /** The content's pixel at the upper edge. */
  readonly top = signal(0);
  /** Pixels to be seen. */
  readonly viewport = signal(0);
  rows = 0;
  /** The row that was revealed last: a list that changes its size keeps it in view. */
  #revealed: number | null = null;

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
    this.#revealed = row;
    if (size === 0) return;
    const start = row * this.rowHeight;
    const top = this.top.peek();
    if (this.#shows(row, size)) return;
    const near = start > top - size && start < top + 2 * size;
    if (!near) this.move(start - (size - this.rowHeight) / 2);
    else this.move(start < top ? start : start + this.rowHeight - size);
  }

  /** Stands exactly here, and no row is kept in view. */
  stay(top: number): void {
    this.#revealed = null;
    this.move(top);
  }

  measured(size: number): void {
    const row = this.#revealed;
    const before = this.viewport.peek();
    const kept = row !== null && (before === 0 || this.#shows(row, before));
    this.viewport.value = size;
    if (kept && size > 0) this.reveal(row);
  }

  #shows(row: number, size: number): boolean {
    const start = row * this.rowHeight;
    const top = this.top.peek();
    return start >= top && start + this.rowHeight <= top + size;
  }

  get pageRows(): number {
    return Math.max(1, Math.floor(this.viewport.peek() / this.rowHeight) - 1);
  }
}
