import { expect, test } from 'vitest';
import { barAt, endOf, firstEndingAfter, layOut } from '../src/history/gantt-layout';
import { AXIS, mostScroll, thumbOf } from '../src/history/gantt-paint';
import { GanttScale } from '../src/history/gantt-scale';
import { shellLine } from '../src/history/shell-line';
import type { GanttData, Query } from '../src/protocol/messages';
import { columnsOf } from '../src/worker/history-file';
import { parseJson } from '../src/text/json';
import { ganttOf } from '../src/worker/gantt-data';
import { type Columns, figuresOf, joined, quantile, select, sortEntries, type Words } from '../src/worker/history-query';

function words(list: string[]): Words {
  const all = [...new Set(list)];
  return { words: all, codes: Uint32Array.from(list, (word) => all.indexOf(word)) };
}

const none = (n: number): Words => words(Array<string>(n).fill(''));

const columns: Columns = {
  running: 1,
  now: 100,
  id: Float64Array.of(9, 1, 2, 3, 4),
  start: Float64Array.of(90, 10, 20, 30, NaN),
  end: Float64Array.of(NaN, 15, 28, 60, NaN),
  duration: Float64Array.of(10, 5, 8, 30, NaN),
  exit: Float64Array.of(NaN, 0, 1, NaN, NaN),
  names: words(['soak', 'a', 'b', 'a', 'a']),
  outcomes: words(['RUNNING', 'succeeded', 'failed', 'lost', 'unknown']),
  hosts: none(5),
  signals: words(['', '', '', 'SIGKILL', '']),
  reasons: words(['', '', 'exit status 1', 'no heartbeat', '']),
  commands: words(["soak --all 'rig 7'", '', '', '', '']),
  info1: words(['', 'Bench 3', '', '', '']),
  info2: none(5),
  info3: none(5),
};
const all: Query = { text: '', name: null, outcome: null, since: null, sort: { column: 'start', down: true } };
const find = (change: Partial<Query>): number[] => [...select(columns, { ...all, ...change })];

test('filters select, together and alone', () => {
  expect(find({})).toEqual([0, 1, 2, 3, 4]);
  expect(find({ name: 'a' })).toEqual([1, 3, 4]);
  expect(find({ name: 'a', outcome: 'lost' })).toEqual([3]);
  expect(find({ since: 20 })).toEqual([0, 2, 3]);
  expect(find({ text: 'bench' })).toEqual([1]);
  expect(find({ text: 'heartbeat' })).toEqual([3]);
  expect(find({ text: 'soak --ALL' })).toEqual([0]);
  expect(find({ text: '4' })).toEqual([4]);
  expect(find({ name: 'nobody' })).toEqual([]);
});

test('groups of outcomes select what their figures count', () => {
  expect(find({ outcome: 'not-over' })).toEqual([0]);
  expect(find({ outcome: 'not-succeeded' })).toEqual([2, 3]);
  expect(find({ outcome: 'not-succeeded', name: 'b' })).toEqual([2]);
  for (const [group, figure] of [['not-over', 'open'], ['not-succeeded', 'notSucceeded'], ['lost', 'lost']] as const) {
    const found = select(columns, { ...all, outcome: group });
    expect(figuresOf(columns, found)[figure].count).toBe(found.length);
  }
});

test('what is absent and what is empty are one word', () => {
  expect(joined(['a', null, ''], Uint32Array.of(0, 1, 2, 0), ['', 'b'], 'unknown')).toEqual({ words: ['a', 'unknown', 'b'], codes: Uint32Array.of(1, 2, 0, 1, 1, 0) });
  expect(joined([null, 'unknown'], Uint32Array.of(1, 0), [], 'unknown')).toEqual({ words: ['unknown'], codes: Uint32Array.of(0, 0) });
});

test('what a summary leaves out is counted', () => {
  const size = 300;
  const many = { ...columns, running: 0, id: new Float64Array(size), duration: new Float64Array(size), names: words(Array.from({ length: size }, (_, n) => `n${n}`)), outcomes: words(Array.from({ length: size }, (_, n) => `o${n % 30}`)) };
  const figures = figuresOf(many, Uint32Array.from({ length: size }, (_, n) => n));
  expect([figures.names.length, figures.moreNames, figures.outcomes.length, figures.moreOutcomes]).toEqual([200, 100, 24, 6]);
});

test('what is absent stands last in both directions', () => {
  const entries = select(columns, all);
  expect([...sortEntries(columns, entries, { column: 'start', down: true })]).toEqual([0, 3, 2, 1, 4]);
  expect([...sortEntries(columns, entries, { column: 'start', down: false })]).toEqual([1, 2, 3, 0, 4]);
  expect([...sortEntries(columns, entries, { column: 'exit', down: false })].slice(0, 3)).toEqual([1, 2, 3]);
});

test('what started in the same second stands in the order of its ids', () => {
  const same = { ...columns, start: new Float64Array(5).fill(7) };
  expect([...sortEntries(same, select(same, all), all.sort)]).toEqual([0, 4, 3, 2, 1]);
});

test('figures count each task once', () => {
  const figures = figuresOf(columns, select(columns, all));
  expect(figures).toMatchObject({ tasks: { count: 5, all: 5 }, open: { count: 1, all: 1 }, notSucceeded: { count: 2, all: 2 }, lost: { count: 1, all: 1 }, moreNames: 0, moreOutcomes: 0 });
  expect(figuresOf(columns, Uint32Array.of(1))).toMatchObject({ tasks: { count: 1, all: 5 }, notSucceeded: { count: 0, all: 2 }, lost: { count: 0, all: 1 } });
  expect(figuresOf(columns, Uint32Array.of(1)).outcomes.map(({ count }) => count)).toEqual([0, 1, 0, 0, 0]);
  const a = figures.names.find(({ name }) => name === 'a');
  expect(a).toEqual({ name: 'a', tasks: 3, notSucceeded: 1, p50: 5, p95: 30 });
  expect(figures.names.find(({ name }) => name === 'soak')?.p50).toBeNaN();
});

test('quantiles are nearest ranks', () => {
  const sorted = Float64Array.from({ length: 100 }, (_, n) => n + 1);
  expect(quantile(sorted, 0.5)).toBe(50);
  expect(quantile(sorted, 0.95)).toBe(95);
  expect(quantile(Float64Array.of(7), 0.95)).toBe(7);
  expect(quantile(new Float64Array(0), 0.5)).toBeNaN();
});

function bars(list: [start: number, end: number, name: number][]): GanttData {
  return {
    waiting: 0,
    timeless: 0,
    entry: Uint32Array.from(list, (_, n) => n),
    start: Float64Array.from(list, ([start]) => start),
    end: Float64Array.from(list, ([, end]) => end),
    name: Uint32Array.from(list, ([, , name]) => name),
    outcome: new Uint32Array(list.length),
    names: ['a', 'b'],
    outcomes: ['succeeded'],
    offsets: new Uint32Array(list.length + 1),
    points: new Float64Array(0),
    now: 100,
  };
}

test('bars of a lane never overlap, and each name has its own lanes', () => {
  const data = bars([[0, 10, 0], [5, 15, 0], [10, 20, 0], [3, 4, 1], [50, NaN, 0]]);
  const layout = layOut(data);
  expect(layout.groups.map(({ name, lanes }) => [name, lanes])).toEqual([[0, 2], [1, 1]]);
  expect(layout.to).toBe(100);
  for (const { bars: lane } of layout.bars) {
    for (let n = 1; n < lane.length; n++) {
      expect(data.start[lane[n] ?? 0]).toBeGreaterThanOrEqual(endOf(data, lane[n - 1] ?? 0));
    }
  }
});

test('a scroll bar shows that lanes go on', () => {
  const layout = layOut(bars(Array.from({ length: 30 }, (): [number, number, number] => [0, 10, 0])));
  expect(thumbOf(layout, 0, 2000)).toBeNull();
  const height = AXIS + 100;
  const start = thumbOf(layout, 0, height);
  const end = thumbOf(layout, mostScroll(layout, height), height);
  expect(start?.top).toBe(AXIS);
  expect((end?.top ?? 0) + (end?.size ?? 0)).toBeCloseTo(height);
});

test('a bar is found by its time, a thin one with some slack', () => {
  const data = bars([[0, 10, 0], [20, 20.001, 0], [30, 40, 0]]);
  const lane = layOut(data).bars[0];
  if (!lane) throw new Error('no lane');
  expect(barAt(data, lane, 5, 0.5)).toBe(0);
  expect(barAt(data, lane, 20.3, 0.5)).toBe(1);
  expect(barAt(data, lane, 15, 0.5)).toBeNull();
  expect(firstEndingAfter(lane, 11)).toBe(1);
});

test('a timeline counts what it cannot draw', () => {
  const odd = { ...columns, running: 2, start: Float64Array.of(90, 10, 9e15, NaN, 20), duration: Float64Array.of(10, NaN, 8, 30, 1) };
  const data = ganttOf(odd, Uint32Array.of(0, 1, 2, 3, 4), 9, [{ kind: 'object', members: [] }, { kind: 'object', members: [] }], { timelines: () => new Float64Array(3) });
  expect([[...data.entry], data.waiting, data.timeless]).toEqual([[0, 4], 1, 2]);
});

test('many tasks at once do not make endless lanes', () => {
  const data = bars(Array.from({ length: 500 }, (): [number, number, number] => [0, 10, 0]));
  const layout = layOut(data);
  expect(layout.lanes).toBeLessThanOrEqual(40);
  expect(layout.crowded).toBe(true);
  expect(layOut(bars(Array.from({ length: 40 }, (): [number, number, number] => [0, 10, 0]))).crowded).toBe(false);
  for (const { reach } of layout.bars) expect([...reach]).toEqual([...reach].sort((a, b) => a - b));
});

test('a timeline is never moved out of its bounds', () => {
  const scale = new GanttScale();
  scale.whole = { from: 0, to: 100 };
  scale.zoom(0.5, 0);
  expect(scale.shown).toEqual({ from: 0, to: 50 });
  scale.pan(-3);
  expect(scale.shown.from).toBe(0);
  scale.pan(9);
  expect(scale.shown).toEqual({ from: 50, to: 100 });
  scale.zoom(10);
  expect(scale.window.value).toBeNull();
  // As from a link.
  for (const window of [{ from: -1e300, to: 1e300 }, { from: 5, to: 5 }, { from: NaN, to: 7 }]) {
    scale.window.value = window;
    expect(scale.shown).toEqual(scale.whole);
  }
  scale.window.value = { from: 1e9, to: 1e9 + 10 };
  expect(scale.shown).toEqual({ from: 90, to: 100 });
});

test('a command reads as one would type it', () => {
  expect(shellLine(['sh', '-c', "echo 'a b'", '', 'x=1'])).toBe("sh -c 'echo '\\''a b'\\''' '' x=1");
});

test('bars are as long as the table says, to the millisecond', () => {
  const one = { ...columns, running: 0, start: Float64Array.of(10, 20), end: Float64Array.of(11, 20), duration: Float64Array.of(0.25, NaN), id: Float64Array.of(1, 2) };
  const data = ganttOf(one, Uint32Array.of(0, 1), 9, [], { timelines: () => Float64Array.of(1, 10_500, 1, 1, 99_000, 1) });
  expect([...data.start]).toEqual([10.5, 20]);
  expect([...data.end]).toEqual([10.75, 20]);
});

test('a task without a measured duration gets none from its dates', () => {
  const rows: Record<string, number[]> = { id: [1], taskid: [1], starttime: [100], endtime: [500], duration: [NaN], elapsed_ms: [NaN], exitcode: [NaN] };
  const history = { numbers: (column: string) => Float64Array.from(rows[column] ?? []), words: () => '[null]', codes: () => new Uint32Array(1) };
  expect([...columnsOf(history, [], 900).duration]).toEqual([NaN]);
});

test("a task that runs has run until the file's data end, whatever the file's date", () => {
  const running = parseJson('{"taskid":1,"status":"RUNNING","starttime":100,"lastupdate":143}');
  const history = { numbers: () => new Float64Array(0), words: () => '[]', codes: () => new Uint32Array(0) };
  expect([...columnsOf(history, [running], 9_000_000).duration]).toEqual([43]);
});
