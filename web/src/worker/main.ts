// The worker: takes calls, gives answers, and owns everything that is known of one file.
//
// It never outlives its file, and never answers a call twice. After a panic in the core nothing in
// here can be trusted: it says so once, and the page replaces it.
import { type CallName, type FromWorker, type Params, type Result, STALE, type ToWorker } from '../protocol/messages';
import { sentences } from '../text/visible';
import { core, haveCore, isFatal } from './core';
import { HistoryFile } from './history-file';
import { LogFile } from './log-file';
import { sniff } from './sniff';

declare const self: DedicatedWorkerGlobalScope & typeof globalThis;

export interface Context {
  signal: AbortSignal;
  progress(part: number): void;
}

type Handler<N extends CallName> = (params: Params<N>, context: Context) => Promise<Result<N>> | Result<N>;
type Handlers = { [N in CallName]: Handler<N> };

const post = (message: FromWorker, transfer: Transferable[] = []): void => self.postMessage(message, transfer);

let log: LogFile | null = null;
let history: HistoryFile | null = null;

const theLog = (): LogFile => log ?? missing('log');
const theHistory = (): HistoryFile => history ?? missing('history');

const handlers: Handlers = {
  async open({ files }) {
    const found = await sniff(files);
    const opened = { name: found.file.name, bytes: found.file.size, left: found.left };
    if (found.kind === 'log') {
      await core('log');
      log = new LogFile(found.file, post, crashed);
      begin(log.index.bind(log));
      return { kind: 'log', ...opened };
    }
    await core('history');
    history = await HistoryFile.open(found, post);
    begin(history.load.bind(history));
    return { kind: 'history', ...opened, written: history.modified, info: { ...history.info, note: history.info.note && sentences(history.info.note) } };
  },
  grow: ({ file }) => theLog().grow(file),
  rows: ({ first, count }, { signal }) => theLog().rows(first, count, signal),
  keys: ({ first, count, filter }) => theLog().keys(first, count, filter),
  sparks: ({ keys, width }) => theLog().sparks(keys, width),
  problems: ({ first, count }) => theLog().problems(first, count),
  state: (params, { signal }) => theLog().state(params, signal),
  stateText: ({ line, form }, { signal }) => theLog().stateText(line, form, signal),
  series: ({ key, first, last, width }, { signal }) => theLog().series(key, first, last, width, signal),
  search: (params, context) => theLog().search(params, context),
  choices: () => theHistory().choices(),
  query: (query) => theHistory().query(query),
  table: ({ first, count }) => theHistory().table(first, count),
  find: ({ task }) => theHistory().find(task),
  record: ({ entry }) => theHistory().record(entry),
  gantt: ({ limit }) => theHistory().gantt(limit),
  csv: (_, context) => theHistory().csv(context),
};

/** Once the answer to `open` is on its way: only then is there somebody to hear the news. */
function begin(reading: () => Promise<unknown>): void {
  setTimeout(() => void reading().catch(crashed));
}

const open = new Map<number, AbortController>();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'core':
      haveCore(data.core, data.bytes);
      break;
    case 'cancel':
      open.get(data.id)?.abort();
      break;
    case 'call':
      void answer(data.id, data.name, data.params);
  }
};

async function answer(id: number, name: CallName, params: unknown): Promise<void> {
  const controller = new AbortController();
  open.set(id, controller);
  const context: Context = {
    signal: controller.signal,
    progress: (part) => post({ type: 'progress', id, part }),
  };
  try {
    const handler = handlers[name] as (params: unknown, context: Context) => unknown;
    post({ type: 'result', id, value: await handler(params, context) });
  } catch (error) {
    if (isFatal(error)) return crashed(error);
    const cancelled = controller.signal.aborted || (error instanceof DOMException && error.name === 'AbortError');
    // Whoever shows it adds nothing.
    post({ type: 'error', id, message: typeof error === 'string' ? `${wordsOf(error)}.` : wordsOf(error), cancelled });
  } finally {
    open.delete(id);
  }
}

function crashed(error: unknown): void {
  if (isFatal(error)) post({ type: 'crash', message: wordsOf(error) });
  else post({ type: 'failed', message: sentences(wordsOf(error)) });
}

/** The core throws text that is fit to be shown; everything else brings its own message. */
function wordsOf(error: unknown): string {
  if (typeof error === 'string') return sentences(error);
  if (error instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(error.name)) return STALE;
  return error instanceof Error ? error.message : String(error);
}

function missing(what: string): never {
  throw new Error(`no ${what} is open`);
}

// The log core is asked for at once: it is there before the first file comes.
void core('log');
