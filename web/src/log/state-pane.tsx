// What was known at the line where the reader stands, and what that line changed.
import { useMemo } from 'preact/hooks';
import type { StateView } from '../protocol/messages';
import { asTree } from '../text/json';
import { count, isProgress, percent, plural } from '../text/number';
import { formatTime } from '../text/time';
import { clip, sentences, visible } from '../text/visible';
import { Bar } from '../ui/bar';
import { JsonTree } from '../ui/json-tree';
import { copy, safeName, save } from '../ui/save';
import { withoutEnd } from './lines';
import { FIRST_PAIRS, type LogModel } from './model';

/** A plain value longer than this is shown by its start. */
const LONG = 4000;
type Pair = StateView['pairs'][number];

export function StatePane({ model }: { model: LogModel }) {
  const state = model.state.value;
  const filter = model.stateFilter.value;
  const pairs = state?.pairs ?? [];
  const failed = model.stateError.value !== '';
  return (
    <section class="pane state-pane" aria-label="State">
      <header>
        <h2>
          State <span class="dim">at line {count(state?.line ?? (failed ? model.line.value : 0))}</span>
        </h2>
        <TakeAway model={model} />
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-label="Values at this line">
        <Here model={model} state={state} />
        {failed && <p class="error-text" role="alert">{model.stateError.value}</p>}
        {(state?.total ?? 0) > 12 && (
          <input
            type="search"
            class="filter"
            placeholder="Filter values"
            aria-label="Filter values"
            value={model.stateFilter.value}
            onInput={(event) => (model.stateFilter.value = event.currentTarget.value)}
          />
        )}
        {state && pairs.length === 0 && <p class="empty">{filter ? 'No value matches.' : 'No key has a value here.'}</p>}
        <dl class="pairs">
          {pairs.map((pair) => (
            <Value key={pair.key} model={model} pair={pair} line={state?.line ?? 0} />
          ))}
        </dl>
        {state && state.fitting > pairs.length && (
          <button type="button" class="quiet" onClick={() => (model.mostPairs.value += 5 * FIRST_PAIRS)}>
            {count(state.fitting - pairs.length)} more values
          </button>
        )}
      </div>
    </section>
  );
}

/** The line itself, in full as far as it is kept, and its effect in words. */
function Here({ model, state }: { model: LogModel; state: StateView | null }) {
  const row = model.here.value;
  if (!row || !state) return null;
  return (
    <div class={`here-card ${row.kind}${row.problem ? ' wrong' : ''}`}>
      <p class="effect">{effectOf(model, state)}{row.unfinished && ' (no line end yet)'}</p>
      {state.before.length > 0 && <Before model={model} state={state} keys={row.kind === 'clear-all'} />}
      {row.text !== '' && <pre class="here-text" tabIndex={0} role="group" aria-label="The line">{visible(withoutEnd(row))}{row.cut && ' …'}</pre>}
    </div>
  );
}

/** What the line has replaced or cleared, as it was; `keys`: it is not clear of which key this is. */
function Before({ model, state: { before, changed }, keys }: { model: LogModel; state: StateView; keys: boolean }) {
  return (
    <ul class="before">
      {before.map(({ key, value, line }) => (
        <li key={key}>
          {keys ? <span class="key">{visible(key)}</span> : <span class="dim">before</span>}
          <del class="value">{visible(value)}</del>
          {line > 0 && <SetAt model={model} name={visible(key)} line={line} />}
        </li>
      ))}
      {changed > before.length && <li class="dim">and {plural(changed - before.length, 'further key')}</li>}
    </ul>
  );
}

function SetAt({ model, name, line }: { model: LogModel; name: string; line: number }) {
  return (
    <button type="button" class="quiet set-at" title={`Set at line ${count(line)}`} onClick={() => model.go(line, 'push')}>
      <span class="offscreen">{name} was set at line </span>
      {count(line)}
    </button>
  );
}

function effectOf(model: LogModel, state: StateView): string {
  const row = model.here.value;
  if (!row) return '';
  const key = row.key ? visible(clip(row.text.slice(...row.key), 60)) : '';
  const problem = row.problem ? model.summary.value?.problems.kinds.find(({ code }) => code === row.problem)?.message ?? row.problem : '';
  switch (row.kind) {
    case 'set':
      return problem ? sentences(`Sets ${key}, but ${problem}`) : state.changed > 0 ? `Sets ${key}` : `Sets ${key}, which had no value`;
    case 'clear':
      return state.changed > 0 ? `Clears ${key}` : `Clears ${key}, which had no value`;
    case 'clear-all':
      return `Clears all: ${plural(state.changed, 'key')}`;
    case 'comment':
      return 'A comment';
    case 'blank':
      return 'A blank line';
    case 'malformed':
      return sentences(`Ignored: ${problem}`);
    case 'refused':
      return sentences(`Ignored: ${problem || 'a limit'}`);
  }
}

function Value({ model, pair, line }: { model: LogModel; pair: Pair; line: number }) {
  const changed = pair.line === line && line > 0;
  const part = isProgress(pair.key) ? percent(pair.value) : null;
  const tree = useMemo(() => asTree(pair.value), [pair.value]);
  const name = visible(pair.key);
  const time = timeOf(pair);
  return (
    <div class={changed ? 'pair changed' : 'pair'}>
      <dt>
        <span class="key">{name}</span>
        {changed && <span class="chip">this line</span>}
        {!changed && pair.line > 0 && <SetAt model={model} name={name} line={pair.line} />}
      </dt>
      <dd>
        {tree ? <JsonTree node={tree} /> : <span class="value">{visible(clip(pair.value, LONG))}</span>}
        {(pair.cut || (!tree && pair.value.length > LONG)) && <span class="dim">the rest is in Save JSON</span>}
        {part !== null && <Bar part={part} label={name} />}
        {time && <span class="dim"> {time}</span>}
      </dd>
    </div>
  );
}

/** Keys that hold unix seconds by their name. */
function timeOf({ key, value }: Pair): string {
  const seconds = Number(value);
  return key.endsWith('_time') && /^\d{9,10}(\.\d+)?$/.test(value) ? formatTime(seconds) : '';
}

function TakeAway({ model }: { model: LogModel }) {
  const take = async (form: 'json' | 'feedback', out: 'copy' | 'save'): Promise<void> => {
    try {
      const line = model.line.peek();
      const text = await model.call('stateText', { line, form });
      if (out === 'copy') await copy(text, `State at line ${count(line)}`);
      else {
        const base = safeName(model.name.replace(/\.\w+$/, ''));
        if (form === 'json') save(text, `${base}-line-${line}.json`, 'application/json');
        else save(text, `${base}-line-${line}.log`);
      }
    } catch (error) {
      model.failed(error);
    }
  };
  return (
    <div class="actions">
      <button type="button" class="quiet" onClick={() => void take('json', 'copy')}>Copy JSON</button>
      <button type="button" class="quiet" onClick={() => void take('json', 'save')}>Save JSON</button>
      <button type="button" class="quiet" title="A feedback file that sets these values" onClick={() => void take('feedback', 'save')}>Save as log</button>
    </div>
  );
}
