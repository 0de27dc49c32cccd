// Every key of the log: its latest value, how it went, and a pin.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Key } from '../protocol/core-types';
import { Newest } from '../protocol/client';
import { count, isProgress, percent, plural } from '../text/number';
import { clip, visible } from '../text/visible';
import { Bar } from '../ui/bar';
import { useRoving } from '../ui/roving';
import { Spark } from '../ui/spark';
import { VirtualList } from '../ui/virtual-list';
import type { LogModel } from './model';

const SPARK = 56;
/** How much of a value is shown: the core cuts it later. */
const SHOWN = 120;
/** How many keys are asked for at once; the list is filtered for more. */
const WINDOW = 4096;

export function KeysPane({ model }: { model: LogModel }) {
  const found = useSignal<{ total: number; keys: Key[] }>({ total: 0, keys: [] });
  const sparks = useSignal<ReadonlyMap<number, Float64Array>>(new Map());
  const asking = useSignal(new Newest()).value;
  const drawing = useSignal(new Newest()).value;

  useSignalEffect(() => {
    const filter = model.keyFilter.value;
    void model.summary.value;
    asking.run(async () => {
      try {
        found.value = await model.call('keys', { first: 0, count: WINDOW, filter });
      } catch (error) {
        model.failed(error);
      }
    });
  });

  const ordered = useComputed(() => {
    const pinned = model.pinned.value;
    const first = pinned
      .map((name) => model.known.value.get(name))
      .filter((key): key is Key => key !== undefined && key.key.toLowerCase().includes(model.keyFilter.value.toLowerCase()));
    return [...first, ...found.value.keys.filter((key) => !pinned.includes(key.key))];
  });

  const keys = ordered.value;
  const draw = (first: number, size: number): void => {
    const ids = keys.slice(first, first + size).filter((key) => key.numeric).map((key) => key.id);
    drawing.run(async () => {
      try {
        const values = await model.call('sparks', { keys: ids, width: SPARK });
        const next = new Map(sparks.peek());
        ids.forEach((id, n) => next.set(id, values.subarray(n * SPARK, (n + 1) * SPARK)));
        sparks.value = next;
      } catch (error) {
        model.failed(error);
      }
    });
  };
  const view = useSignal<[number, number]>([0, 0]);
  const roving = useRoving(keys.length, model.keyPosition);
  useEffect(() => draw(...view.peek()), [keys]);

  return (
    <section class="pane keys-pane" aria-label="Keys">
      <header>
        <h2>
          Keys <span class="dim">{count(model.summary.value?.keys ?? 0)} · last values</span>
        </h2>
        <input
          type="search"
          class="filter"
          placeholder="Filter keys"
          aria-label="Filter keys"
          value={model.keyFilter.value}
          onInput={(event) => (model.keyFilter.value = event.currentTarget.value)}
        />
      </header>
      {keys.length === 0 && model.done.value ? (
        <p class="empty">{model.keyFilter.value ? 'No key matches.' : 'No line of this log sets a key.'}</p>
      ) : (
        <VirtualList
          class="keys"
          keepNodes
          rows={keys.length}
          position={model.keyPosition}
          boxProps={{ role: 'list', 'aria-label': 'Keys', ...roving.box }}
          rowProps={(row) => ({ role: 'listitem', class: 'key-row', ...roving.rowProps(row) })}
          onView={(first, size) => {
            view.value = [first, size];
            roving.seen(first, size);
            draw(first, size);
          }}
        >
          {(row) => {
            const key = keys[row];
            return key && <KeyRow model={model} item={key} spark={sparks.value.get(key.id)} tabIndex={roving.tabIndex(row)} />;
          }}
        </VirtualList>
      )}
      {found.value.total > found.value.keys.length && (
        <p class="more">{count(found.value.total - found.value.keys.length)} more: filter to see them.</p>
      )}
      {(model.summary.value?.untracked ?? 0) > 0 && (
        <p class="more">{plural(model.summary.value?.untracked ?? 0, 'set')} of further keys are not listed; the state shows them.</p>
      )}
    </section>
  );
}

function KeyRow({ model, item, spark, tabIndex }: { model: LogModel; item: Key; spark: Float64Array | undefined; tabIndex: 0 | -1 }) {
  const pinned = model.pinned.value.includes(item.key);
  const part = item.value !== null && isProgress(item.key) ? percent(item.value) : null;
  const name = visible(item.key);
  return (
    <>
      <button
        type="button"
        class="pin"
        tabIndex={tabIndex}
        aria-pressed={pinned}
        aria-label={`Pin ${name}`}
        title={pinned ? 'Unpin' : item.numeric ? 'Pin and draw a chart' : 'Pin'}
        onClick={() => model.pin(item.key, !pinned)}
      />
      <button type="button" class="key-name" tabIndex={tabIndex} title={`${name}: set ${plural(item.sets, 'time')}; go to line ${item.last}`} onClick={() => model.visit(item.last, 'push')}>
        <span class="key">{name}</span>
        <span class={item.value === null ? 'value cleared' : 'value'}>
          {item.value === null ? 'cleared' : visible(clip(item.value, SHOWN))}
        </span>
      </button>
      {part !== null ? <Bar part={part} label={name} /> : item.numeric && item.sets > 1 && spark ? <Spark values={spark} width={SPARK} height={26} /> : <span class="sets">×{count(item.sets)}</span>}
    </>
  );
}
