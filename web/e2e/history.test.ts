// The history view, end to end.
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dropFiles, noted, onBuilds, openSample, opened, step } from './browser';
import { FILES, FOLDER, HOSTILE, NEW_TABLES, sql } from './files';

const names = (page: Page): Promise<string[]> => page.locator('.list-row .cell.name').allTextContents();
const shown = (page: Page) => expect.poll(() => page.locator('.facts .count').textContent());
/** What the details say beside a title. */
const fieldOf = (page: Page, title: string) => page.locator('.fields div', { has: page.getByText(title, { exact: true }) }).locator('dd').textContent();

/** A database of its own for a test, of before some change. */
function database(name: string, text: string): string {
  const path = join(FOLDER, name);
  rmSync(path, { force: true });
  sql(path, text);
  utimesSync(path, 1_772_435_050, 1_772_435_050);
  return path;
}

/** So many finished tasks, each with a text of a size. */
const rows = (count: number, size: number): string => `
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
  INSERT INTO history (id, taskid, taskname, outcome, exitcode, starttime, endtime, feedback)
    SELECT i, i, 'job', 'succeeded', 0, 1740000000 + i, 1740000060 + i, '{"log":"' || hex(zeroblob(${size / 2})) || '"}' FROM n;`;

async function savedCsv(page: Page, name = 'lab-tasks.csv'): Promise<string> {
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save CSV' }).click();
  const file = await saving;
  expect(file.suggestedFilename()).toBe(name);
  return readFileSync(await file.path(), 'utf8');
}

onBuilds(['site', 'one file'], (viewer) => {
  test('a database with its -wal shows every task', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.database, FILES.wal]);
    await opened(page);
    await shown(page).toBe('5 shown');
    expect(await page.locator('.warning').count()).toBe(0);
    expect(await page.locator('.figures').textContent()).toContain('schema 1');
    await expect.poll(() => names(page)).toContain('only-in-wal');
    expect(await page.locator('.cards').textContent()).toBe('5tasks1not over2not succeeded1lost');
    // It has run until the -wal was written.
    expect(await page.getByRole('row', { name: /soak/ }).locator('.duration').textContent()).toBe('≥ 1 min 50 s');
    await page.getByRole('row', { name: /soak/ }).click();
    await expect.poll(() => page.locator('.details h2').textContent()).toBe('soak task 5');
    expect(await page.locator('.outcome-line').textContent()).toContain('not over yet');
    expect(await fieldOf(page, 'Duration')).toBe('≥ 1 min 50 s');
    expect(await savedCsv(page)).toMatch(/^5,soak,STALLED,.*,110,/m);
  });

  test('a database without its -wal says that it may be stale', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.database]);
    await opened(page);
    await shown(page).toBe('2 shown');
    await expect.poll(() => page.locator('.warning').textContent()).toMatch(/wal/i);
  });

  test('a database of 1.7 opens, another one is refused with advice', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.old]);
    await opened(page);
    await shown(page).toBe('3 shown');
    expect(await page.locator('.figures').textContent()).toContain('1.7');
    await expect.poll(() => page.locator('.list-row .cell.exit').allTextContents()).toContain('signal 9');
    await dropFiles(page, [FILES.foreign]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/taskwatcher/);
    await dropFiles(page, [FILES.broken]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/broken.json/);
    await dropFiles(page, [FILES.export]);
    await opened(page);
    await shown(page).toBe('5 shown');
  });

  test('the figures are filters of their own, and nothing moves under the pointer', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await shown(page).toBe('363 shown');
    const places = () => page.locator(':is(.cards, .share-list) button').evaluateAll((all) => all.map((one) => [one.getBoundingClientRect().x, one.getBoundingClientRect().width].map(Math.round)));
    const before = await places();
    const card = page.getByRole('button', { name: /not succeeded/ });
    const figure = await card.locator('b').textContent();
    await card.focus();
    await page.keyboard.press('Enter');
    await shown(page).toBe(`${figure} shown`);
    expect(await card.getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByRole('combobox', { name: 'Outcome' }).inputValue()).toBe('not-succeeded');
    await expect.poll(() => page.url()).toContain('outcome=not-succeeded');
    expect(await places()).toEqual(before);
    await page.goto('about:blank');
    await step(page, 'back');
    await opened(page);
    await shown(page).toBe(`${figure} shown`);
    await card.click();
    await shown(page).toBe('363 shown');
    await page.getByRole('button', { name: /not over/ }).click();
    await expect.poll(() => page.locator('.figures ~ .actions .count').textContent()).toBe(`${await page.locator('.card b').nth(1).textContent()} shown`);
    expect(await places()).toEqual(before);
    // Chips begin where the bar above them does.
    const left = (selector: string) => page.locator(selector).first().evaluate((element) => element.getBoundingClientRect().x);
    expect(await left('.share-list button')).toBe(await left('.share-bar'));
  });

  test('a summary says what it leaves out, and odd words are one', async () => {
    const { page } = viewer;
    const path = join(FOLDER, 'history-many.json');
    const history = Array.from({ length: 600 }, (_, n) => ({ id: n + 1, taskid: n + 1, taskname: `job ${n}`, outcome: n < 30 ? `odd ${n}` : 'succeeded', starttime: 1_740_000_000 + n }));
    const blank = ['', null].map((word, n) => ({ id: 700 + n, taskid: 700 + n, taskname: word, outcome: word, starttime: 9e15 }));
    writeFileSync(path, JSON.stringify({ format: 'taskwatcher/1', history: [...history, ...blank] }));
    await dropFiles(page, [path]);
    await opened(page);
    await shown(page).toBe('602 shown');
    expect(await page.locator('.share-list button', { hasText: 'unknown' }).allTextContents()).toEqual(['unknown 2']);
    expect(await page.locator('.share-list li').last().textContent()).toBe('and 8 rarer ones');
    expect(await page.locator('.by-name summary').textContent()).toBe('Duration by name 601');
    await page.locator('.by-name summary').click();
    expect(await page.locator('.by-name .more').textContent()).toBe('and 401 rarer names: search for them');
    await expect.poll(() => page.getByRole('combobox', { name: 'Name' }).locator('option').last().textContent()).toBe('and 100 rarer names: search for them');
    await expect.poll(() => page.locator('.list-row .cell.name', { hasText: 'without a name' }).count()).toBe(2);
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await expect.poll(() => page.locator('.left-out').textContent()).toBe('2 tasks without a usable time are not drawn');
  });

  test('the table is one stop of the Tab key, and its head is reached by the arrows', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await page.locator('.list-row .cell').first().waitFor();
    const table = page.getByRole('grid', { name: 'Tasks' });
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.getByRole('combobox', { name: 'Started' }).focus();
    await page.keyboard.press('Tab');
    expect(await table.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await focused()).toBe('Started↓');
    expect(await page.evaluate(() => document.activeElement && getComputedStyle(document.activeElement).outlineStyle)).toBe('solid');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Duration↓');
    await page.keyboard.press('ArrowDown');
    expect(await table.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await table.evaluate((element) => element.contains(document.activeElement))).toBe(false);
  });

  test('rows are as wide as their columns', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 400, height: 800 });
    await dropFiles(page, [FILES.hostileExport]);
    await opened(page);
    const table = page.getByRole('grid', { name: 'Tasks' });
    await page.locator('.list-row .cell').first().waitFor();
    await table.evaluate((element) => (element.scrollLeft = 9999));
    const right = (selector: string) => page.locator(selector).first().evaluate((element) => Math.round(element.getBoundingClientRect().right));
    expect(await right('.list-row')).toBe(await right('.list-row .cell.info3'));
    await page.setViewportSize({ width: 1360, height: 860 });
  });

  test('an export is read as far as it can be, and a refusal names the part', async () => {
    const { page } = viewer;
    const path = join(FOLDER, 'history-odd.json');
    const history = Array.from({ length: 200 }, (_, n) => ({ id: n + 1, taskid: n + 1, taskname: 'smoke', outcome: 'succeeded' }));
    const odd = [...history, { id: 201, taskid: 201, taskname: 'odd', starttime: 1e300 }];
    writeFileSync(path, `\ufeff${JSON.stringify({ tasks: [{ taskid: 300, name: 'soak', status: 'RUNNING' }], history: odd, format: 'taskwatcher/1' })}`);
    await dropFiles(page, [path]);
    await opened(page);
    await shown(page).toBe('202 shown');
    writeFileSync(path, JSON.stringify({ format: 'taskwatcher/1', history: [...history, { id: 'x' }] }));
    await dropFiles(page, [path]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/Row 201 in "history" of this document .*\.Dismiss$/);
  });

  test('a report of ten thousand keys is shown page by page', async () => {
    const { page } = viewer;
    const path = join(FOLDER, 'history-keys.json');
    const feedback = Object.fromEntries([['log', 'x'.repeat(3000)], ...Array.from({ length: 10_000 }, (_, n) => [`key_${n}`, `value ${n}`])]);
    writeFileSync(path, JSON.stringify({ format: 'taskwatcher/1', history: [{ id: 1, taskid: 1, taskname: 'many', starttime: 1, feedback }, { id: 2, taskid: 2, taskname: 'few', feedback: { a: '1' } }] }));
    await dropFiles(page, [path]);
    await opened(page);
    await page.getByRole('row', { name: /many/ }).click();
    const leaves = page.locator('.details .tree-leaf');
    await expect.poll(() => leaves.count()).toBe(200);
    await page.getByRole('button', { name: '1,000 more characters' }).click();
    await expect.poll(async () => (await leaves.first().textContent())?.length).toBe(3003);
    await page.getByRole('button', { name: '200 more of 9,801' }).click();
    await expect.poll(() => leaves.count()).toBe(400);
    // Another task begins at its start.
    await page.getByRole('row', { name: /few/ }).click();
    await expect.poll(() => leaves.count()).toBe(1);
    await page.getByRole('row', { name: /many/ }).click();
    await expect.poll(() => leaves.count()).toBe(200);
  });

  test('a -wal that is cut says that changes may be missing', async () => {
    const { page } = viewer;
    const path = join(FOLDER, 'history-cut.db');
    writeFileSync(path, readFileSync(FILES.database));
    writeFileSync(`${path}-wal`, readFileSync(FILES.wal).subarray(0, -10));
    await dropFiles(page, [path, `${path}-wal`]);
    await opened(page);
    await expect.poll(() => page.locator('.warning').textContent()).toMatch(/The -wal file is cut, its last changes may be missing/);
  });

  test('filters, order and details of an export', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.export]);
    await opened(page);
    await shown(page).toBe('5 shown');
    await page.getByRole('combobox', { name: 'Outcome' }).selectOption('failed');
    await shown(page).toBe('1 shown');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('segv');
    await shown(page).toBe('1 shown');
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('exit status');
    await shown(page).toBe('1 shown');
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('smoke --all');
    await shown(page).toBe('4 shown');
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('');
    await shown(page).toBe('5 shown');
    await page.getByRole('button', { name: 'Duration' }).click();
    await expect.poll(() => page.getByRole('columnheader', { name: 'Duration' }).getAttribute('aria-sort')).toBe('descending');
    await expect.poll(async () => (await page.locator('.list-row .cell.duration').allTextContents())[0]).toMatch(/^≥ /);
    await expect.poll(async () => (await page.locator('.list-row .cell.duration').allTextContents())[1]).toBe('50 s');
    await page.getByRole('row', { name: /lost/ }).click();
    await expect.poll(() => page.locator('.details h2').textContent()).toBe('smoke task 3');
    await expect.poll(() => page.locator('.command pre').textContent()).toBe("smoke --all 'bench 3'");
    const report = page.locator('.details .tree', { hasText: 'report' }).first();
    await report.locator('summary').first().click();
    await report.locator('summary', { hasText: 'cases' }).click();
    await report.locator('summary', { hasText: /^0/ }).click();
    await expect.poll(() => report.locator('.tree-number').textContent()).toBe('9007199254740993');
    await step(page, 'back');
    await expect.poll(() => page.locator('.details').count()).toBe(0);
    await step(page, 'back');
    await expect.poll(() => page.getByRole('columnheader', { name: 'Started' }).getAttribute('aria-sort')).toBe('descending');
  });

  test('a reserved task has neither a start nor a duration nor a bar', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await shown(page).toBe('363 shown');
    const reserved = page.locator('.list-row', { hasText: 'reserved' });
    await expect.poll(() => reserved.locator('.start').textContent()).toBe('not yet');
    expect(await reserved.locator('.duration').textContent()).toBe('');
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await expect.poll(() => page.locator('.gantt canvas').getAttribute('aria-label')).toContain('Timeline of 362 tasks');
    expect(await page.locator('.left-out').textContent()).toBe('1 task not started yet is not drawn');
    // All colours that are there are explained, and no others.
    expect(await page.locator('.legend div').allTextContents()).toEqual(['Bar: statusrunningsilentstalled', 'Foot: outcomesucceededfailedsignalledtimeoutkilledlostnot started']);
  });

  test('an address leads to the same task in a newer file', async () => {
    const { page } = viewer;
    const path = join(FOLDER, 'moving.json');
    const write = (tasks: object[], history: object[]): void => writeFileSync(path, JSON.stringify({ format: 'taskwatcher/1', tasks, history }));
    const first = [1, 2].map((id) => ({ id, taskid: id, taskname: 'smoke', starttime: 1_772_434_800 + id, outcome: 'succeeded' }));
    write([{ taskid: 3, name: 'soak', status: 'RUNNING', feedback: false, starttime: 1_772_434_900 }], first);
    await dropFiles(page, [path]);
    await opened(page);
    const title = () => page.locator('.details h2').textContent();
    await page.getByRole('row', { name: /^2/ }).click();
    await expect.poll(title).toBe('smoke task 2');
    await page.getByRole('row', { name: /soak/ }).click();
    await expect.poll(title).toBe('soak task 3');
    await expect.poll(() => page.url()).toMatch(/task=3$/);
    write([], [...first, { id: 3, taskid: 3, taskname: 'soak', starttime: 1_772_434_900, outcome: 'lost' }]);
    await dropFiles(page, [path]);
    await shown(page).toBe('3 shown');
    await expect.poll(() => page.locator('.outcome-line').textContent()).toBe('lost');
    expect(await title()).toBe('soak task 3');
    await step(page, 'back');
    await expect.poll(title).toBe('smoke task 2');
  });

  test('the table goes out as CSV that no spreadsheet runs', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.hostileExport]);
    await opened(page);
    await shown(page).toBe('3 shown');
    const text = await savedCsv(page, 'hostile-tasks.csv');
    expect(text.split('\r\n')[0]).toContain('taskid,name,outcome');
    expect(text).toContain("'=1+1");
    expect(text).toContain("'@SUM(A1)");
    expect(text).toContain("'+cmd");
    expect(text).not.toMatch(/(^|,)"?[=+@]/m);
  });

  test('a row of the CSV is one line, with what the table says', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await shown(page).toBe('363 shown');
    const lines = (await savedCsv(page, 'lab-week-tasks.csv')).trimEnd().split('\r\n');
    expect(lines.length).toBe(364);
    expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
    expect(lines.find((line) => line.startsWith('363,'))).toMatch(/^363,calibrate,RESERVED,,,,,,,,bench-3,,,,$/);
    expect(lines.find((line) => line.includes('tests/smoke'))).toMatch(/,\d+\.\d+,bench-\d,.*,pytest -q tests\/smoke,$/);
    expect(lines.find((line) => line.startsWith('362,'))).toContain('""testcase_progress"": ""40"" }');
  });

  test('hostile text stays text, and absurd times do no harm', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.hostileExport]);
    await opened(page);
    await shown(page).toBe('3 shown');
    const evil = page.locator('.list-row', { hasText: '=1+1' });
    expect(await evil.locator('.name').textContent()).toBe(HOSTILE);
    await evil.click();
    await expect.poll(() => page.locator('.details h2').textContent()).toContain('<img');
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await expect.poll(() => page.locator('.gantt canvas').getAttribute('aria-label')).toContain('Timeline of 1 tasks');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).not.toContain('owned');
  });

  test('the keyboard never falls out of the tasks', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 390, height: 800 });
    await openSample(page, 'A week of history');
    const has = (selector: string) => page.locator(selector).evaluate((element) => element === document.activeElement);
    const table = page.getByRole('grid', { name: 'Tasks' });
    await page.locator('.list-row .cell.name', { hasText: 'calibrate' }).waitFor();
    await table.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => has('#details')).toBe(true);
    await page.locator('.details').getByRole('button', { name: 'Close' }).press('Enter');
    await expect.poll(() => has('.table')).toBe(true);
    // In a narrow window the arrows stay in the timeline, and Enter opens the details.
    await page.keyboard.press('2');
    await expect.poll(() => has('.gantt canvas')).toBe(true);
    await expect.poll(() => page.locator('.gantt canvas').getAttribute('aria-label')).toContain('362 tasks');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.gantt [aria-live]').textContent()).not.toBe('');
    expect(await page.locator('.details').count()).toBe(0);
    await page.keyboard.press('Enter');
    await expect.poll(() => has('#details')).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(() => has('.gantt canvas')).toBe(true);
    await page.keyboard.press('1');
    await expect.poll(() => has('.table')).toBe(true);
    // Out of the search, with the filter that is seen.
    await page.keyboard.press('/');
    await page.keyboard.type('no such task');
    await shown(page).toBe('0 shown');
    await page.keyboard.press('Escape');
    await shown(page).toBe('363 shown');
    expect(await has('#search')).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(() => has('.table')).toBe(true);
    await page.keyboard.press('/');
    await page.keyboard.type('smoke');
    await page.keyboard.press('Enter');
    await expect.poll(() => has('.table')).toBe(true);
    await page.getByRole('button', { name: 'Clear filters' }).press('Enter');
    await shown(page).toBe('363 shown');
    await expect.poll(() => has('.table')).toBe(true);
    await page.setViewportSize({ width: 1360, height: 860 });
  });

  test('nothing moves at the first letter of a search, and the table has all of the width', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 1280, height: 800 });
    await openSample(page, 'A week of history');
    const place = () => page.getByRole('grid', { name: 'Tasks' }).boundingBox();
    const before = await place();
    expect(before?.width).toBe(1280);
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('smoke');
    await expect.poll(() => page.getByRole('button', { name: 'Clear filters' }).isEnabled()).toBe(true);
    expect((await place())?.y).toBe(before?.y);
    // All of them stand on one row from 900 pixels on.
    await page.setViewportSize({ width: 900, height: 800 });
    await expect.poll(async () => (await page.locator('.filters').boundingBox())?.height).toBeLessThan(50);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.setViewportSize({ width: 380, height: 800 });
    const cut = (selector: string) => page.locator(selector).evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
    await page.locator('.by-name summary').click();
    await expect.poll(() => page.locator('.by-name tbody tr').count()).toBe(6);
    await expect.poll(() => cut('.by-name .scroll')).toBe(0);
    await page.setViewportSize({ width: 1360, height: 860 });
  });

  test('Back and a reload find the table where it stood', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    const table = page.getByRole('grid', { name: 'Tasks' });
    const top = (): Promise<number> => table.evaluate((element) => element.scrollTop);
    await table.evaluate((element) => (element.scrollTop = 900));
    await noted(page, 900);
    await page.getByRole('button', { name: 'Duration' }).click();
    await expect.poll(top).toBe(0);
    await step(page, 'back');
    await expect.poll(top).toBe(900);
    await noted(page, 900);
    await page.reload();
    await opened(page);
    await expect.poll(top).toBe(900);
  });

  test('in a low window the table still has room', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 640, height: 360 });
    await openSample(page, 'A week of history');
    const table = page.getByRole('grid', { name: 'Tasks' });
    await table.focus();
    await expect.poll(async () => (await table.boundingBox())?.height).toBeGreaterThan(280);
    await page.locator('.history-view').evaluate((view) => view.scrollTo(0, view.scrollHeight));
    await expect.poll(async () => { const box = await table.boundingBox(); return box && box.y + box.height; }).toBeLessThanOrEqual(361);
    await page.locator('.list-row .cell.name', { hasText: 'regression' }).first().click();
    await page.locator('.details').getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => table.isVisible()).toBe(true);
    await page.setViewportSize({ width: 1360, height: 860 });
  });

  test('two fingers zoom the timeline, one moves it', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 640, height: 420 });
    await openSample(page, 'A week of history');
    await page.getByRole('tab', { name: 'Timeline' }).click();
    const canvas = page.locator('.gantt canvas');
    await expect.poll(() => canvas.getAttribute('aria-label')).toContain('362 tasks');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    const client = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: [number, number][]) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ id, x: (box?.x ?? 0) + x, y: (box?.y ?? 0) + y })) });
    await touch('touchStart', [300, 120]);
    await touch('touchMove', [300, 40]);
    await touch('touchEnd');
    await expect.poll(() => page.url()).toContain('scroll=80');
    await touch('touchStart', [200, 60]);
    await touch('touchStart', [200, 60], [300, 60]);
    await touch('touchMove', [100, 60], [400, 60]);
    await touch('touchEnd');
    await expect.poll(() => page.url()).toContain('from=');
    expect(await page.locator('.details').count()).toBe(0);
    // A wheel moves the lanes to their end, and then the view around them.
    const top = () => page.locator('.history-view').evaluate((view) => view.scrollTop);
    await page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 60);
    await page.mouse.wheel(0, -5000);
    await expect.poll(() => page.url()).not.toContain('scroll=');
    const before = await top();
    await page.mouse.wheel(0, -50);
    await expect.poll(top).toBeLessThan(before);
    await page.mouse.wheel(0, 5000);
    await expect.poll(() => page.url()).toContain('scroll=');
    await canvas.scrollIntoViewIfNeeded();
    await page.locator('.history-view').evaluate((view) => view.scrollTo(0, view.scrollHeight));
    // A hand on the scroll bar.
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 4, (box?.y ?? 0) + 60);
    await page.mouse.down();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 4, (box?.y ?? 0) - 500);
    await page.mouse.up();
    await expect.poll(() => page.url()).not.toContain('scroll=');
    await page.setViewportSize({ width: 1360, height: 860 });
  });

  test('the timeline is read by hand and by key', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await page.getByRole('tab', { name: 'Timeline' }).click();
    const canvas = page.locator('.gantt canvas');
    await expect.poll(() => canvas.getAttribute('aria-label')).toContain('Timeline of 362 tasks');
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.gantt [aria-live]').textContent()).toMatch(/: \w+, 2026-03-0/);
    const first = await page.locator('.details h2').textContent();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.details h2').textContent()).not.toBe(first);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('+');
    await expect.poll(() => page.getByRole('button', { name: 'All', exact: true }).isEnabled()).toBe(true);
    await page.keyboard.press('0');
    await expect.poll(() => page.getByRole('button', { name: 'All', exact: true }).isEnabled()).toBe(false);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.details').count()).toBe(0);
    // Steps from task to task are one step back, and a link leads back to the timeline, its zoom and
    // the task.
    await page.keyboard.press('ArrowRight');
    await page.locator('.details h2').waitFor();
    const before = await page.locator('.details h2').textContent();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.details h2').textContent()).not.toBe(before);
    await page.keyboard.press('ArrowRight');
    await step(page, 'back');
    await expect.poll(() => page.locator('.details').count()).toBe(0);
    await step(page, 'on');
    await page.locator('.details h2').waitFor();
    await canvas.focus();
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/from=\d+\.\d+&to=/);
    const chosen = await page.locator('.details h2').textContent();
    await expect.poll(() => page.url()).toContain(`task=${chosen?.split(' ').at(-1)}.`);
    const link = page.url();
    await page.goto('about:blank');
    await page.goto(link);
    await opened(page);
    await expect.poll(() => page.locator('.details h2').textContent()).toBe(chosen);
    expect(await page.getByRole('tab', { name: 'Timeline' }).getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('button', { name: 'All', exact: true }).isEnabled()).toBe(true);
  });
});

onBuilds(['site'], (viewer) => {
  test('a database that has changed since it was opened says so', async () => {
    const { page } = viewer;
    // Larger than what is kept of a file.
    const path = database('history-changing.db', `${NEW_TABLES} ${rows(1200, 20_000)}`);
    await dropFiles(page, [path]);
    await opened(page);
    await shown(page).toBe('1,200 shown');
    sql(path, "UPDATE history SET info1 = 'new' WHERE id = 600;");
    const changed = 'The file has changed since it was opened. Press Reload to read it again.';
    await page.getByRole('grid', { name: 'Tasks' }).focus();
    await page.keyboard.press('End');
    await expect.poll(async () => (await page.locator('.list-row .cell.id').allTextContents()).at(-1)).toBe('1');
    await page.keyboard.press('Enter');
    const details = page.locator('.details');
    await expect.poll(() => details.getByRole('alert').textContent()).toBe(changed);
    await expect.poll(() => details.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await details.getByRole('alert').isVisible()).toBe(true);
    await details.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => details.count()).toBe(0);
    await page.setViewportSize({ width: 1360, height: 860 });
    await page.getByRole('button', { name: 'Save CSV' }).click();
    await expect.poll(() => page.locator('.toast').textContent()).toBe(changed);
    // And one that is gone.
    rmSync(path);
    await page.getByRole('grid', { name: 'Tasks' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => details.getByRole('alert').textContent()).toBe(changed);
  });

  test('of a damaged database what could be read is shown', async () => {
    const { page } = viewer;
    // The index is counted; it stands behind the rows, which are damaged halfway.
    const path = database('history-damaged.db', `${NEW_TABLES} DROP INDEX history_taskid; ${rows(20_000, 100)}
      INSERT INTO tasks (id, name, status, starttime) VALUES (30000, 'soak', 'RUNNING', 1740030000); CREATE INDEX history_taskid ON history (taskid);`);
    const file = openSync(path, 'r+');
    writeSync(file, new Uint8Array(4096).fill(0xa5), 0, 4096, 4096 * Math.floor(statSync(path).size / 4096 / 2));
    closeSync(file);
    await dropFiles(page, [path]);
    await opened(page);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/stopped.*malformed/);
    const figures = await page.locator('.figures').textContent();
    expect(figures).toMatch(/ [\d,]+ of 20,000 could be read$/);
    const read = Number(/([\d,]+) of/.exec(figures ?? '')?.[1]?.replace(',', ''));
    expect(read).toBeGreaterThan(5000);
    await shown(page).toBe(`${(read + 1).toLocaleString('en-US')} shown`);
    expect(await page.locator('.cards').textContent()).toContain('1not over');
    await expect.poll(() => page.locator('.list-row', { hasText: 'soak' }).count()).toBe(1);
    await page.locator('.list-row', { hasText: 'job' }).first().click();
    await expect.poll(() => page.locator('.details h2').textContent()).toBe(`job task ${read}`);
  });

  test('200,000 rows are sorted, filtered and scrolled', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.large]);
    await opened(page);
    await shown(page).toBe('200,000 shown');
    const took = async (act: () => Promise<void>, expected: string): Promise<number> => {
      const start = performance.now();
      await act();
      await shown(page).toBe(expected);
      return performance.now() - start;
    };
    await took(() => page.getByRole('combobox', { name: 'Outcome' }).selectOption('failed').then(() => {}), '4,878 shown');
    await took(() => page.getByRole('combobox', { name: 'Outcome' }).selectOption('').then(() => {}), '200,000 shown');
    await page.getByRole('button', { name: 'Task' }).click();
    await page.getByRole('button', { name: 'Task' }).click();
    const table = page.getByRole('grid', { name: 'Tasks' });
    await expect.poll(async () => (await page.locator('.list-row .cell.id').allTextContents())[0]).toBe('1');
    await table.focus();
    await page.keyboard.press('End');
    await expect.poll(async () => (await page.locator('.list-row .cell.id').allTextContents()).at(-1)).toBe('200000');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.details h2').textContent()).toContain('task 200000');
    expect(await page.locator('#details').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('.list-row').count()).toBeLessThan(80);
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await expect.poll(() => page.locator('.gantt canvas').getAttribute('aria-label')).toContain('Timeline of 20,000 tasks');
  });
});
