// Everything that is known of one task.
import { useEffect, useRef } from 'preact/hooks';
import { member, type Node, plain } from '../text/json';
import { bytes } from '../text/number';
import { signalName } from '../text/signal';
import { formatDuration, formatTime } from '../text/time';
import { clip, visible } from '../text/visible';
import { Members } from '../ui/json-tree';
import { copy } from '../ui/save';
import { shellLine } from './shell-line';
import { Outcome } from './legend';
import type { Details, HistoryModel } from './model';

const SECONDS = (text: string): string => formatTime(Number(text));
const MILLISECONDS = (text: string): string => formatDuration(Number(text) / 1000);

/** In this order; what is absent is left out. The rest of the record follows as a tree. */
const FIELDS: [field: string, title: string, show?: (text: string) => string][] = [
  ['exitcode', 'Exit code'],
  ['termsignal', 'Signal', signalName],
  ['termerror', 'Reason'],
  ['reservetime', 'Reserved', SECONDS],
  ['starttime', 'Started', SECONDS],
  ['endtime', 'Ended', SECONDS],
  ['elapsed_ms', 'Took', MILLISECONDS],
  ['duration', 'Duration', (text) => formatDuration(Number(text))],
  ['lastupdate', 'Last heartbeat', SECONDS],
  ['timeout', 'Timeout', (text) => formatDuration(Number(text))],
  ['host', 'Host'],
  ['cwd', 'Folder'],
  ['pid', 'Process'],
  ['info1', 'Info 1'],
  ['info2', 'Info 2'],
  ['info3', 'Info 3'],
  ['user_ms', 'Processor, user', MILLISECONDS],
  ['system_ms', 'Processor, system', MILLISECONDS],
  ['maxrss_kb', 'Memory', (text) => bytes(Number(text) * 1024)],
  ['leftovers', 'Left running'],
];
const SHOWN = new Set([...FIELDS.map(([field]) => field), 'id', 'taskid', 'name', 'taskname', 'outcome', 'status', 'command', 'feedback', 'timeline']);

export function DetailsPane({ model }: { model: HistoryModel }) {
  const details = model.details.value;
  const error = model.detailsError.value;
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if ((!details && error === '') || !model.focusDetails) return;
    model.focusDetails = false;
    box.current?.focus();
  }, [details, error]);
  const name = details && (plain(member(details.record, 'taskname')) || plain(member(details.record, 'name')));
  return (
    <section ref={box} class="pane details" aria-label="Details" id="details" tabIndex={-1}>
      <header>
        <h2>
          {name === null ? 'Details' : clip(visible(name), 80) || 'without a name'}{' '}
          {details && <span class="dim">task {plain(member(details.record, 'taskid'))}</span>}
        </h2>
        <div class="actions">
          {details && <button type="button" class="quiet" onClick={() => void copy(details.text, 'Task')}>Copy JSON</button>}
          <button type="button" class="quiet" onClick={() => model.select(null)}>Close</button>
        </div>
      </header>
      {error !== '' && <p class="error-text" role="alert">{error}</p>}
      {details && <Known details={details} />}
    </section>
  );
}

function Known({ details: { entry, record } }: { details: Details }) {
  const text = (field: string): string => plain(member(record, field));
  const open = member(record, 'status') !== null;
  const feedback = member(record, 'feedback');
  const timeline = member(record, 'timeline');
  const rest = record.kind === 'object' ? record.members.filter(([key, value]) => !SHOWN.has(key) && plain(value) !== '') : [];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="What is known of the task">
      <p class="outcome-line">
        <Outcome word={clip(text('outcome') || text('status') || 'unknown', 40)} />
        {open && <span class="dim"> {text('starttime') === '' ? 'not started yet' : 'not over yet'}</span>}
      </p>
      <Command node={member(record, 'command')} />
      <dl class="fields">
        {FIELDS.map(([field, title, show]) => {
          const raw = text(field);
          // A wait status of 0 names no signal.
          if (field === 'termsignal' && signalName(raw) === '') return null;
          if (raw === '' || (field === 'duration' && text('elapsed_ms') !== '')) return null;
          const shown = (field === 'duration' && open ? '≥ ' : '') + (show?.(raw) ?? raw);
          return (
            <div key={field}>
              <dt>{title}</dt>
              <dd title={shown === raw ? undefined : visible(clip(raw, 100))}>{visible(clip(shown, 2000))}</dd>
            </div>
          );
        })}
      </dl>
      {feedback?.kind === 'object' && (
        <section class="sub">
          <h3>{open ? 'Feedback so far' : 'Final feedback'}</h3>
          {feedback.members.length === 0 ? <p class="dim">No key has a value.</p> : <Members key={entry} of={feedback.members} />}
        </section>
      )}
      {timeline?.kind === 'array' && timeline.items.length > 0 && <Timeline items={timeline.items} />}
      {rest.length > 0 && (
        <section class="sub">
          <h3>More</h3>
          <Members of={rest} />
        </section>
      )}
    </div>
  );
}

function Command({ node }: { node: Node | null }) {
  if (node?.kind !== 'array') return null;
  const line = shellLine(node.items.map(plain));
  return (
    <div class="command">
      <pre tabIndex={0} role="group" aria-label="Command">{visible(clip(line, 8000))}</pre>
      <button type="button" class="quiet" onClick={() => void copy(line, 'Command')}>Copy</button>
    </div>
  );
}

function Timeline({ items }: { items: readonly Node[] }) {
  return (
    <section class="sub">
      <h3>Status</h3>
      <ol class="timeline">
        {items.slice(0, 100).map((point, n) => (
          <li key={n}>
            <span class="time">{point.kind === 'array' ? formatTime(Number(plain(point.items[0] ?? null)) / 1000) : ''}</span>
            <Outcome word={point.kind === 'array' ? clip(plain(point.items[1] ?? null), 40).toLowerCase() : 'unknown'} />
          </li>
        ))}
      </ol>
      {items.length > 100 && <p class="dim">and {items.length - 100} more changes</p>}
    </section>
  );
}
