// The page's end of one worker: calls with answers, cancelling, and the end of it all.
//
// A client belongs to one file. When the file goes, or the worker crashes, the worker is ended and
// every open call fails; nothing of it is used again.
import type { CallName, Core, FromWorker, Params, Result, ToWorker } from './messages';

export type Indexed = Extract<FromWorker, { type: 'indexed' }>;
type Loaded = Extract<FromWorker, { type: 'loaded' }>;

export class Cancelled extends Error {
  override name = 'Cancelled';
}

export interface Listener {
  indexed?(news: Indexed): void;
  loaded?(news: Loaded): void;
  failed?(message: string): void;
  crashed?(message: string): void;
}

interface Open {
  resolve(value: unknown): void;
  reject(error: Error): void;
  progress: ((part: number) => void) | undefined;
}

export class Client {
  listener: Listener = {};
  #worker: Worker;
  #calls = new Map<number, Open>();
  #next = 1;
  #closed = false;
  /** Why the worker is gone, if it went on its own. */
  failure: string | null = null;

  constructor(worker: Worker, bytesOf: (core: Core) => Promise<ArrayBuffer>) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data, bytesOf);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#crash(event.message || 'the worker could not be started');
    };
    worker.onmessageerror = () => this.#crash('a message of the worker could not be read');
  }

  call<N extends CallName>(
    name: N,
    params: Params<N>,
    options: { signal?: AbortSignal; progress?: (part: number) => void } = {},
  ): Promise<Result<N>> {
    const { signal, progress } = options;
    if (this.#closed || signal?.aborted) return Promise.reject(new Cancelled());
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, progress });
    });
    signal?.addEventListener('abort', () => this.#cancel(id), { once: true });
    this.#send({ type: 'call', id, name, params });
    return answer as Promise<Result<N>>;
  }

  close(): void {
    this.#closed = true;
    this.#worker.terminate();
    for (const call of this.#calls.values()) call.reject(new Cancelled());
    this.#calls.clear();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    this.#send({ type: 'cancel', id });
    call.reject(new Cancelled());
  }

  #take(message: FromWorker, bytesOf: (core: Core) => Promise<ArrayBuffer>): void {
    switch (message.type) {
      case 'need':
        bytesOf(message.core).then(
          (bytes) => this.#send({ type: 'core', core: message.core, bytes }),
          (error: unknown) => this.#crash(`the ${message.core} module could not be loaded: ${String(error)}`),
        );
        break;
      case 'indexed':
        this.listener.indexed?.(message);
        break;
      case 'loaded':
        this.listener.loaded?.(message);
        break;
      case 'progress':
        this.#calls.get(message.id)?.progress?.(message.part);
        break;
      case 'result':
        this.#calls.get(message.id)?.resolve(message.value);
        this.#calls.delete(message.id);
        break;
      case 'error': {
        const error = message.cancelled ? new Cancelled() : new Error(message.message);
        this.#calls.get(message.id)?.reject(error);
        this.#calls.delete(message.id);
        break;
      }
      case 'failed':
        this.listener.failed?.(message.message);
        break;
      case 'crash':
        this.#crash(message.message);
    }
  }

  #crash(message: string): void {
    if (this.#closed) return;
    this.failure = message;
    this.close();
    this.listener.crashed?.(message);
  }
}

/**
 * Runs one piece of work at a time; of all that is asked for meanwhile only the newest is run after
 * it. A slider that moves faster than answers come still sees every answer that comes.
 */
export class Newest {
  #running = false;
  #next: (() => Promise<void>) | null = null;

  run(work: () => Promise<void>): void {
    if (this.#running) {
      this.#next = work;
      return;
    }
    this.#running = true;
    void work().finally(() => {
      this.#running = false;
      const next = this.#next;
      this.#next = null;
      if (next) this.run(next);
    });
  }
}
