// The log view, end to end.
import { appendFileSync, copyFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { dropFiles, onBuilds, openSample, opened, stateAt, step } from './browser';
import { FILES, FOLDER, HOSTILE, HUNDRED_LINES } from './files';

const SMALL_LINES = 207;

onBuilds(['site', 'one file'], (viewer) => {
  test('a dropped log is shown with lines, keys, state and problems', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    expect(await page.locator('.figures').textContent()).toContain('207 lines');
    await stateAt(page, SMALL_LINES);
    await expect.poll(() => page.locator('.here-card .effect').textContent()).toBe('Sets done, which had no value');
    expect(await page.locator('.pair', { hasText: 'temperature' }).locator('.value').textContent()).toBe('22');
    await expect.poll(() => page.locator('.line.here .text').textContent()).toBe('[done]yes');
    await expect.poll(() => page.locator('.line.wrong .text').textContent()).toBe('no bracket here');
    expect(await page.locator('.key-row', { hasText: 'playbook' }).textContent()).toContain('cleared');
    await page.getByRole('tab', { name: /Problems/ }).click();
    await page.getByRole('button', { name: /No \[key\] at the start of the line\. Write/ }).click();
    expect(await page.locator('#goto').inputValue()).toBe('204');
    expect(await page.title()).toContain('small.log');
  });

  test('what holds nothing is opened to its end', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.empty]);
    await opened(page);
    await page.getByText('This log is empty').waitFor();
    await dropFiles(page, [FILES.emptyExport]);
    await expect.poll(() => page.locator('.file').textContent()).toBe('empty.json');
    await opened(page);
    await dropFiles(page, [FILES.fresh]);
    await page.locator('.list-row', { hasText: 'waits' }).waitFor();
    await opened(page);
  });

  test('the page itself never scrolls', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    await page.locator('.pair .set-at').first().waitFor();
    expect(await page.evaluate(() => [document.documentElement.scrollHeight, document.body.scrollHeight])).toEqual([860, 860]);
  });

  test('the file dialog opens a log, with and without handles', async () => {
    const { page } = viewer;
    // A browser without the newer dialog.
    await page.evaluate(() => Reflect.deleteProperty(window, 'showOpenFilePicker'));
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Open a file…' }).click();
    await (await choosing).setFiles(FILES.small);
    await opened(page);
    await stateAt(page, SMALL_LINES);
    expect(await page.getByRole('button', { name: 'Follow' }).count()).toBe(0);
    await page.keyboard.press('f');
    await expect.poll(() => page.locator('.toast').textContent()).toMatch(/cannot be followed/);
    await page.evaluate(() => {
      const handle = { kind: 'file', name: 'picked.log', getFile: async () => new File(['[a]1\n[b]2\n'], 'picked.log') };
      Object.assign(window, { showOpenFilePicker: async () => [handle] });
    });
    await page.getByRole('button', { name: 'Open…' }).click();
    await expect.poll(() => page.locator('.file').textContent()).toBe('picked.log');
    await opened(page);
    await stateAt(page, 2);
  });

  test('a file that has changed, and that the browser does not give anew, is asked for', async () => {
    const { page } = viewer;
    const file = join(FOLDER, 'changing.log');
    writeFileSync(file, '[step]on\n'.repeat(1_500_000));
    utimesSync(file, 1_772_435_050, 1_772_435_050);
    await page.evaluate(() => Reflect.deleteProperty(window, 'showOpenFilePicker'));
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Open a file…' }).click();
    await (await choosing).setFiles(file);
    await opened(page);
    await stateAt(page, 1_500_000);
    appendFileSync(file, '[step]over\n');
    await page.getByRole('slider', { name: 'Line' }).fill('700000');
    await expect.poll(() => page.getByRole('alert').first().textContent()).toMatch(/changed since it was opened. .*open the file again/);
    expect(await page.locator('.pair').count()).toBe(0);
    expect(await page.locator('.state-pane h2').textContent()).toBe('State at line 700,000');
    const again = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Reload' }).click();
    await (await again).setFiles(file);
    await expect.poll(() => page.locator('.figures').textContent()).toContain('1,500,001 lines');
    await stateAt(page, 700_000);
    await page.locator('.pair').waitFor();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    rmSync(file);
  });

  test('the slider drives every pane, by hand and by key', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    const slider = page.getByRole('slider', { name: 'Line' });
    await slider.fill('103');
    await stateAt(page, 103);
    expect(await page.locator('.pair', { hasText: 'temperature' }).locator('.value').textContent()).toBe('21');
    await expect.poll(() => page.locator('.line.here .number').textContent()).toBe('103');
    expect(await page.locator('.pair.changed').count()).toBe(1);
    expect(await page.locator('.before').textContent()).toBe('before20temperature was set at line 101');
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await stateAt(page, 102);
    expect(await page.locator('.chart-title', { hasText: 'progress' }).locator('.value').textContent()).toBe('50');
    await page.keyboard.press('Home');
    await stateAt(page, 1);
    await page.locator('#goto').fill('207');
    await page.locator('#goto').press('Enter');
    await stateAt(page, SMALL_LINES);
  });

  test('a line that clears all says what went', async () => {
    const { page } = viewer;
    await openSample(page, 'A final report');
    await page.getByRole('slider').fill('46');
    await stateAt(page, 46);
    await expect.poll(() => page.locator('.effect').textContent()).toBe('Clears all: 4 keys');
    expect(await page.locator('.before li').first().textContent()).toBe('playbooksmokeplaybook was set at line 2');
    expect(await page.locator('.before li').count()).toBe(4);
  });

  test('search finds the next and the previous match, and says when there is none', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    await page.keyboard.press('/');
    await page.keyboard.type('PROGRESS]5');
    await page.keyboard.press('Enter');
    await stateAt(page, 12);
    expect(await page.locator('.line.here mark').textContent()).toBe('progress]5');
    await page.keyboard.press('Enter');
    await stateAt(page, 102);
    await page.keyboard.press('Shift+Enter');
    await stateAt(page, 12);
    await page.getByRole('checkbox', { name: /match case/ }).check();
    await page.locator('#search').press('Enter');
    await expect.poll(() => page.locator('#search-outcome').textContent()).toBe('Not found');
    await page.getByRole('checkbox', { name: /match case/ }).uncheck();
    await expect.poll(() => page.locator('#search-outcome').textContent()).toBe('');
  });

  test('a match is brought into view, however long its line', async () => {
    const { page } = viewer;
    const file = join(FOLDER, 'long.log');
    writeFileSync(file, `[a]1\n[long]${'x'.repeat(1500)}needle\n[longer]${'y'.repeat(5000)}far away\n[b]needle\n`);
    await dropFiles(page, [file]);
    await opened(page);
    const seen = async (match: string): Promise<void> => {
      const mark = page.locator('.line.here mark', { hasText: match });
      await expect.poll(async () => {
        const [inner, outer] = [await mark.boundingBox(), await page.locator('.lines').boundingBox()];
        return inner && outer ? inner.x > outer.x && inner.x + inner.width < outer.x + outer.width : false;
      }).toBe(true);
    };
    await page.locator('#search').fill('needle');
    for (const line of [2, 4]) {
      await page.locator('#search').press('Enter');
      await stateAt(page, line);
      await seen('needle');
    }
    // Numbers stay, also those of short lines.
    await page.locator('.lines').evaluate((list) => (list.scrollLeft = 9000));
    await expect.poll(async () => (await page.locator('#line-1 .number').boundingBox())?.x).toBe((await page.locator('.lines').boundingBox())?.x);
    await page.locator('#search').fill('far away');
    await page.locator('#search').press('Enter');
    await seen('more, with the match');
  });

  test('where panes take turns, what was looked for is shown', async () => {
    const { page } = viewer;
    await page.setViewportSize({ width: 390, height: 800 });
    await openSample(page, 'A test run');
    const tab = (name: string): Locator => page.getByRole('tab', { name });
    await tab('State').click();
    await page.locator('#search').fill('heartbeat');
    await page.locator('#search').press('Enter');
    await page.locator('.line.here mark').waitFor();
    await tab('Problems').click();
    await page.locator('.problem').first().click();
    await page.locator('.line.here.wrong').waitFor();
    await tab('Keys').click();
    await page.locator('.key-name', { hasText: 'frames' }).click();
    await expect.poll(() => page.locator('.line.here .text').textContent()).toMatch(/^\[frames\]/);
    await expect.poll(() => page.url()).not.toContain('view=');
    await step(page, 'back');
    await page.locator('.keys-pane').waitFor();
  });

  test('any key can be pinned, and none', async () => {
    const { page } = viewer;
    const file = join(FOLDER, 'dash.log');
    writeFileSync(file, '[-]1\n[-]2\n[progress]1\n[progress]2\n');
    const pins = (): Promise<string[]> => page.locator('.pin[aria-pressed=true]').evaluateAll((all) => all.map((pin) => pin.ariaLabel ?? ''));
    await dropFiles(page, [file]);
    await opened(page);
    await expect.poll(pins).toEqual(['Pin progress', 'Pin -']);
    for (const [unpin, left, link] of [['Pin progress', ['Pin -'], /keys=-$/], ['Pin -', [], /keys=\+$/]] as const) {
      await page.getByRole('button', { name: unpin, exact: true }).click();
      await expect.poll(() => page.url()).toMatch(link);
      await page.reload();
      await dropFiles(page, [file]);
      await opened(page);
      await expect.poll(pins).toEqual(left);
    }
  });

  test('Escape empties a field to search in, and then leaves it', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    for (const name of ['Filter keys', 'Filter values', 'Search lines']) {
      const field = page.getByRole('searchbox', { name });
      await field.fill('temp');
      await field.press('Escape');
      expect(await field.inputValue()).toBe('');
      if (name === 'Filter keys') await page.locator('.key-row', { hasText: 'playbook_path' }).waitFor();
      if (name === 'Filter values') await page.locator('.pair', { hasText: 'playbook_path' }).waitFor();
      if (name === 'Search lines') await expect.poll(() => page.locator('.line mark').count()).toBe(0);
      await field.press('Escape');
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    }
  });

  test('the state goes out as JSON and as a feedback file', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    await page.getByRole('slider').fill('5');
    await stateAt(page, 5);
    await page.getByRole('button', { name: 'Copy JSON' }).click();
    await expect.poll(() => page.locator('.toast').textContent()).toContain('copied');
    const values = { playbook: 'smoke', start_time: '1772434800', progress: '1', temperature: '21' };
    expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual(values);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as log' }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toBe('small-line-5.log');
    const text = readFileSync(await file.path(), 'utf8');
    expect(text.split('\n').filter((line) => line.startsWith('['))).toEqual(Object.entries(values).map(([key, value]) => `[${key}]${value}`));
  });

  test('charts zoom by drag, by key and back', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    const chart = page.getByRole('group', { name: /Chart of temperature/ });
    const box = await chart.locator('canvas').boundingBox();
    if (!box) throw new Error('no chart');
    await page.mouse.move(box.x + 200, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + 400, box.y + 30, { steps: 4 });
    await page.mouse.up();
    const range = page.locator('.charts > header .dim');
    await expect.poll(() => range.textContent()).toMatch(/^Lines [\d,]+ to [\d,]+$/);
    await chart.focus();
    await page.keyboard.press('0');
    await expect.poll(() => range.textContent()).toBe('All lines');
    await page.keyboard.press('+');
    await expect.poll(() => range.textContent()).toMatch(/^Lines/);
    await expect.poll(() => page.url()).toContain('from=');
  });

  test('more pinned keys than charts are told, and the axis stays in view', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    for (const key of ['frames', 'run', 'start_time', 'testcase_id', 'end_time']) await page.getByRole('button', { name: `Pin ${key}` }).click();
    await expect.poll(() => page.locator('.charts > header .dim').textContent()).toBe('All lines, 2 further pinned keys not drawn');
    const [charts, axis] = [await page.locator('.charts').boundingBox(), await page.locator('.axis').boundingBox()];
    if (!charts || !axis) throw new Error('no charts');
    expect(axis.y + axis.height).toBeLessThanOrEqual(charts.y + charts.height);
  });

  test('hostile text stays text', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.hostileLog]);
    await opened(page);
    await page.getByRole('slider').fill('16');
    await stateAt(page, 16);
    expect(await page.locator('.pair', { hasText: 'markup' }).locator('.value').textContent()).toBe(HOSTILE);
    expect(await page.locator('.pair', { hasText: 'escape' }).locator('.value').textContent()).toContain('␛]0;owned␇');
    expect(await page.locator('.pair', { hasText: 'bidi' }).locator('.value').textContent()).toContain('⟨202E⟩');
    expect(await page.locator('.pair', { hasText: '__proto__' }).last().textContent()).toContain('polluted');
    await page.locator('.pair', { hasText: 'json' }).locator('summary').first().click();
    expect(await page.locator('.pair', { hasText: 'json' }).locator('.tree-number').last().textContent()).toBe('9007199254740993');
    for (const name of [/Keys/, /Problems/]) {
      const tab = page.getByRole('tab', { name });
      if (await tab.count()) await tab.click();
    }
    expect(await page.title()).not.toContain('owned');
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  test('a growing file is followed', async () => {
    const { page } = viewer;
    const file = join(FOLDER, `growing-${process.pid}.log`);
    writeFileSync(file, '[progress]1\n[progress]2\n[prog');
    await dropFiles(page, [file]);
    await opened(page);
    await expect.poll(() => page.locator('.line').last().textContent()).toContain('no line end yet');
    await page.getByRole('button', { name: 'Follow' }).click();
    appendFileSync(file, 'ress]3\n[done]yes\n');
    await expect.poll(() => page.locator('.figures').textContent()).toContain('4 lines');
    await stateAt(page, 4);
    expect(await page.locator('.pair', { hasText: 'progress' }).locator('.value').textContent()).toBe('3');
    // Who has scrolled away is left there; the state goes on.
    appendFileSync(file, '[step]on\n'.repeat(500));
    await stateAt(page, 504);
    const lines = page.getByRole('listbox', { name: 'Lines' });
    await lines.evaluate((element) => (element.scrollTop = 400));
    await page.locator('#line-21').waitFor();
    appendFileSync(file, '[step]over\n');
    await stateAt(page, 505);
    expect(await lines.evaluate((element) => element.scrollTop)).toBe(400);
    // Another file in its place is read afresh.
    writeFileSync(file, '[fresh]start\n');
    await expect.poll(() => page.locator('.figures').textContent()).toContain('1 line ');
    await page.getByRole('button', { name: 'Follow', pressed: true }).waitFor();
    appendFileSync(file, '[fresh]more\n');
    await expect.poll(() => page.locator('.state-pane h2').textContent()).toBe('State at line 2');
    rmSync(file);
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect.poll(() => page.locator('.toast').textContent()).toMatch(/cannot be read any more/);
    copyFileSync(FILES.small, file);
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect.poll(() => page.locator('.figures').textContent()).toContain('207 lines');
  });

  test('a last line without line feed counts in every pane, and grows on', async () => {
    const { page } = viewer;
    const file = join(FOLDER, `half-${process.pid}.log`);
    writeFileSync(file, '[step]boot\n[progress]5');
    await dropFiles(page, [file]);
    await opened(page);
    const shows = async (lines: number, progress: string): Promise<void> => {
      await expect.poll(() => page.locator('.pair', { hasText: 'progress' }).locator('.value').textContent()).toBe(progress);
      await expect.poll(() => page.locator('.state-pane h2').textContent()).toBe(`State at line ${lines}`);
      await expect.poll(() => page.locator('.key-row', { hasText: 'progress' }).locator('.value').textContent()).toBe(progress);
      await expect.poll(() => page.locator('.line').last().textContent()).toMatch(/no line end yet/);
      expect(await page.locator('.figures').textContent()).toMatch(`${lines} lines`);
      expect(await page.locator('.figures').textContent()).toMatch(`${lines} live keys`);
      expect(await page.locator('.goto').textContent()).toContain(`of ${lines}`);
    };
    await shows(2, '5');
    await page.getByRole('button', { name: 'Follow' }).click();
    appendFileSync(file, '0');
    await shows(2, '50');
    await expect.poll(() => page.locator('.line').last().textContent()).toContain('[progress]50');
    appendFileSync(file, '\n[done]yes');
    await shows(3, '50');
  });

  test('a crash of the reader is said, and the next file works', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    const [worker] = page.workers();
    await worker?.evaluate(() => setTimeout(() => { throw new Error('out of order'); }));
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/“small.log” crashed.*out of order.*open another file/);
    await dropFiles(page, [FILES.small]);
    await opened(page);
    await stateAt(page, SMALL_LINES);
    expect(await page.getByRole('alert').count()).toBe(0);
    viewer.expectErrors(/out of order/);
  });

  test('what is open stays until another file is open', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    await page.getByRole('slider').fill('103');
    await stateAt(page, 103);
    await dropFiles(page, [FILES.gzip]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/compressed with gzip/);
    expect(await page.locator('.file').textContent()).toBe('small.log');
    await page.keyboard.press('ArrowRight');
    await stateAt(page, 104);
    await dropFiles(page, [FILES.empty, FILES.small]);
    await expect.poll(() => page.locator('.notice.calm').textContent()).toMatch(/“empty.log” is open.*Not opened: “small.log”/);
    expect(await page.locator('.file').textContent()).toBe('empty.log');
  });

  test('what is no feedback log is shown, and said to be none', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.prose]);
    await opened(page);
    await page.getByText('This does not look like a feedback log: no line sets a key.').waitFor();
    await dropFiles(page, [FILES.small]);
    await expect.poll(() => page.locator('.file').textContent()).toBe('small.log');
    await opened(page);
    expect(await page.locator('.warning').count()).toBe(0);
  });

  test('beyond the problems that are kept the slider does not look clean', async () => {
    const { page } = viewer;
    const file = join(FOLDER, 'noise.log');
    writeFileSync(file, 'noise\n'.repeat(12_000));
    await dropFiles(page, [file]);
    await opened(page);
    const painted = (part: number): Promise<boolean> =>
      page.locator('.track-marks').evaluate((canvas: HTMLCanvasElement, at) => {
        const pixel = canvas.getContext('2d')?.getImageData(Math.round(canvas.width * at), 5, 1, 1).data;
        return (pixel?.[3] ?? 0) > 0;
      }, part);
    await expect.poll(() => painted(0.5)).toBe(true);
    expect(await painted(0.97)).toBe(true);
    await page.getByRole('tab', { name: /Problems/ }).click();
    await page.getByText('2,000 further problems not listed.').waitFor();
  });

  test('a file that comes while the help is open is seen', async () => {
    const { page } = viewer;
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Shift+Enter').waitFor();
    await dropFiles(page, [FILES.gzip]);
    // Once the refusal stands nothing more comes that would close the help again.
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await dropFiles(page, [FILES.small]);
    await opened(page);
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('what cannot be opened is refused with advice', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.gzip]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/compressed with gzip.*opens feedback logs.*gunzip/);
    await dropFiles(page, [FILES.wal]);
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/companion of a database.*Drop the database itself/);
    await dropFiles(page, [FILES.small]);
    await opened(page);
  });
});

onBuilds(['site'], (viewer) => {
  test('a log of 100 MB: exact to the last of 5 million lines, few nodes, cancelled search', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.hundred]);
    await opened(page);
    await stateAt(page, HUNDRED_LINES);
    const lines = page.getByRole('listbox', { name: 'Lines' });
    await lines.focus();
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.line').last().locator('.text').textContent()).toBe('[progress]50');
    expect(await page.locator('.line').last().locator('.number').textContent()).toBe('5,000,000');
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('.line').first().locator('.number').textContent()).toBe('1');
    // Scrolling step by step reaches the neighbours, also where the scroll bar is scaled.
    await page.locator('#goto').fill('2500000');
    await page.locator('#goto').press('Enter');
    await stateAt(page, 2_500_000);
    await lines.hover();
    await page.mouse.wheel(0, 200);
    await expect.poll(() => page.locator('#line-2500010 .text').textContent()).toMatch(/^\[progress\]/);
    for (const part of [0.1, 0.9, 0.35, 1, 0]) {
      await lines.evaluate((element, at) => (element.scrollTop = at * (element.scrollHeight - element.clientHeight)), part);
      const first = Math.max(1, Math.round(part * HUNDRED_LINES));
      await expect
        .poll(async () => Math.abs(Number((await page.locator('.line .number').first().textContent())?.replaceAll(',', '')) - first))
        .toBeLessThan(HUNDRED_LINES / 50);
      await expect.poll(() => page.locator('.line .text').nth(8).textContent()).not.toBe('');
      expect(await page.locator('.line').count()).toBeLessThan(80);
    }
    await page.locator('#search').fill('a needle that is not there');
    await page.locator('#search').press('Enter');
    await page.getByRole('button', { name: /^Cancel/ }).click();
    await expect.poll(() => page.locator('#search-outcome').textContent()).toBe('Cancelled');
  });

  test('lists take two steps of Tab at most, and the arrow keys lead through them', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.textContent ?? '');
    await page.getByRole('searchbox', { name: 'Filter keys' }).focus();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Pin testcase_progress');
    await page.keyboard.press('ArrowDown');
    await expect.poll(focused).toBe('Pin progress');
    await page.keyboard.press('End');
    await expect.poll(focused).toBe('Pin verdict');
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('verdict');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Zoom in');
    await page.keyboard.press('4');
    await page.locator('.problem').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.problem.here:focus').waitFor();
  });

  test('everything is reached by keyboard alone', async () => {
    const { page } = viewer;
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const sample = page.getByRole('button', { name: 'A test run' });
    for (let n = 0; n < 12 && !(await sample.evaluate((button) => button === document.activeElement)); n++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await opened(page);
    await page.keyboard.press('1');
    await page.keyboard.press('Home');
    await stateAt(page, 1);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('PageDown');
    await expect.poll(async () => Number(await page.locator('#goto').inputValue())).toBeGreaterThan(10);
    await page.keyboard.press('p');
    await expect.poll(() => page.locator('.line.here').getAttribute('class')).toContain('wrong');
    await page.keyboard.press('4');
    await expect.poll(() => page.getByRole('tab', { name: /Problems/ }).getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('2');
    await page.keyboard.press('g');
    await page.keyboard.type('100');
    await page.keyboard.press('Enter');
    await stateAt(page, 100);
    await page.keyboard.press('Escape');
    await page.keyboard.press('t');
    expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
    await page.keyboard.press('t');
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await page.keyboard.press('t');
  });
});
