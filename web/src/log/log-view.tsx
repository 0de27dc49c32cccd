// The log view: its panes, as many side by side as there is room for.
import { room } from '../app/width';
import { bytes, count, plural } from '../text/number';
import { useArrival } from '../ui/arrive';
import { TabPanel, Tabs, type Tab } from '../ui/tabs';
import { Charts } from './charts';
import { KeysPane } from './keys-pane';
import { Lines } from './lines';
import type { LogModel, Pane } from './model';
import { ProblemsPane } from './problems-pane';
import { Scrubber } from './scrubber';
import { SearchBar } from './search-bar';
import { StatePane } from './state-pane';

/** So many times more lines that are ignored than lines that set a key: it is something else. */
const STRANGE = 9;

export function LogView({ model }: { model: LogModel }) {
  const view = useArrival();
  const size = room.value;
  const problems = model.problemCount.value;
  const tabs: Tab<Pane>[] = [
    { id: 'state', title: 'State' },
    { id: 'keys', title: 'Keys' },
    { id: 'problems', title: 'Problems', badge: problems > 0 ? count(problems) : undefined },
  ];
  if (size === 'narrow') tabs.unshift({ id: 'lines', title: 'Lines' });
  const shown = size === 'wide' ? tabs.filter((tab) => tab.id !== 'keys') : tabs;
  const wanted = size === 'narrow' ? model.pane.value : model.side.value;
  const chosen = shown.some((tab) => tab.id === wanted) ? wanted : 'state';
  const side = (
    <div class="side">
      <Tabs name="log" label="Panes" tabs={shown} chosen={chosen} choose={(id) => model.show(id)} />
      <TabPanel name="log" chosen={chosen}>
        {chosen === 'lines' && <Centre model={model} />}
        {chosen === 'state' && <StatePane model={model} />}
        {chosen === 'keys' && <KeysPane model={model} />}
        {chosen === 'problems' && <ProblemsPane model={model} />}
      </TabPanel>
    </div>
  );
  return (
    <main ref={view} tabIndex={-1} class={`log-view ${size}`} aria-label={`Log ${model.name}`}>
      <Facts model={model} />
      {size === 'wide' && <KeysPane model={model} />}
      {size !== 'narrow' && <Centre model={model} />}
      {side}
      <Scrubber model={model} />
    </main>
  );
}

function Centre({ model }: { model: LogModel }) {
  return (
    <div class="centre">
      <Charts model={model} />
      <section class="pane lines-pane" aria-label="Log">
        <Lines model={model} />
      </section>
    </div>
  );
}

function Facts({ model }: { model: LogModel }) {
  const summary = model.summary.value;
  const done = model.done.value;
  const total = model.total.value;
  const part = total > 0 ? (summary?.bytes ?? 0) / total : 1;
  const { sets = 0, malformed = 0 } = summary?.counts ?? {};
  return (
    <div class="facts">
      <SearchBar model={model} />
      <p class="figures" data-done={done} data-memory={model.memory.value}>
        {done ? (
          <>
            {plural(summary?.lines ?? 0, 'line')} · {bytes(total)} · {plural(summary?.live ?? 0, 'live key')}
          </>
        ) : (
          <>
            <progress value={part} aria-label="Reading" /> {plural(summary?.lines ?? 0, 'line')} so far
          </>
        )}
      </p>
      {done && malformed > STRANGE * sets && (
        <p class="warning" role="status">
          This does not look like a feedback log: {sets === 0 ? 'no line sets a key' : `only ${plural(sets, 'line')} of ${count(summary?.lines ?? 0)} set a key`}. Its lines have the form <code>[key]value</code>.
        </p>
      )}
    </div>
  );
}
