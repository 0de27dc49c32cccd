// A file that is still written: asks the browser for its newest version, and has the worker read on.
//
// The browser gives no word when a file grows, so this looks once a second, and only while the page
// is in view.
import { signal } from '@preact/signals';
import { tell } from '../ui/save';
import type { LogModel } from './model';

const EVERY = 1000;

export class Follower {
  readonly on = signal(false);
  #timer: number | null = null;
  #busy = false;

  constructor(
    readonly model: LogModel,
    readonly handle: FileSystemFileHandle | null,
  ) {}

  get possible(): boolean {
    return this.handle !== null;
  }

  toggle(): void {
    if (this.on.value) return this.stop();
    if (!this.handle) return tell('This file cannot be followed: the browser keeps only the version that was opened');
    this.model.go(this.model.lines.peek(), 'replace');
    this.start();
  }

  start(): void {
    this.on.value = true;
    this.#timer = window.setInterval(() => void this.#look(), EVERY);
    void this.#look();
  }

  stop(): void {
    this.on.value = false;
    this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Takes the newest version now. True if reading can go on with it. */
  async refresh(): Promise<boolean> {
    if (!this.handle) return false;
    try {
      const file = await this.handle.getFile();
      const { change } = await this.model.client.call('grow', { file });
      if (change !== 'replaced') return true;
      // It is still followed, once it is open again.
      this.#rest();
      this.model.reopen();
      return false;
    } catch {
      return false;
    }
  }

  async #look(): Promise<void> {
    if (this.#busy || document.hidden) return;
    this.#busy = true;
    try {
      if ((await this.refresh()) || this.#timer === null) return;
      this.stop();
      tell('No longer followed: the file cannot be read any more');
    } finally {
      this.#busy = false;
    }
  }
}
