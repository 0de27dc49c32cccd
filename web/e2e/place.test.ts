// Where the reader is: the address, Back and Forward, and a reload of the page.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dropFiles, noted, onBuilds, openSample, opened, stateAt, step } from './browser';
import { FILES, FOLDER } from './files';

onBuilds(['site', 'one file'], (viewer) => {
  test('a link keeps the view, and Back works', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    await page.locator('#goto').fill('274');
    await page.locator('#goto').press('Enter');
    await stateAt(page, 274);
    await page.getByRole('tab', { name: /Problems/ }).click();
    await page.getByRole('button', { name: 'Pin frames' }).click();
    await expect.poll(() => page.url()).toContain('frames');
    const link = page.url();
    await step(page, 'back');
    await expect.poll(() => page.getByRole('tab', { name: 'State' }).getAttribute('aria-selected')).toBe('true');
    await stateAt(page, 274);
    await page.goto('about:blank');
    await page.goto(link);
    await opened(page);
    await expect.poll(() => page.getByRole('tab', { name: /Problems/ }).getAttribute('aria-selected')).toBe('true');
    expect(await page.locator('#goto').inputValue()).toBe('274');
    await expect.poll(() => page.getByRole('button', { name: 'Pin frames' }).getAttribute('aria-pressed')).toBe('true');
    await expect.poll(() => page.locator('.line.here .number').textContent()).toBe('274');
  });

  test('Back and Reload find the lines where they stood', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    const lines = page.getByRole('listbox', { name: 'Lines' });
    const top = (): Promise<number> => lines.evaluate((element) => element.scrollTop);
    await lines.evaluate((element) => (element.scrollTop = 16_540));
    await page.locator('#line-830').waitFor();
    await page.getByRole('tab', { name: /Problems/ }).click();
    await page.locator('.problem').first().click();
    await page.locator('.line.here.wrong').waitFor();
    const far = await top();
    expect(far).not.toBe(16_540);
    const found = await page.locator('.line.here').getAttribute('aria-posinset');
    await expect.poll(() => page.url()).toContain(`line=${found}`);
    await step(page, 'back');
    await expect.poll(top).toBe(16_540);
    await step(page, 'on');
    await expect.poll(top).toBe(far);
    await lines.evaluate((element) => (element.scrollTop = 30_000));
    await page.locator('#line-1502').waitFor();
    await lines.evaluate((element) => element.classList.add('before'));
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.locator('.lines:not(.before)').waitFor();
    await opened(page);
    await page.locator('#line-1502').waitFor();
    expect(await top()).toBe(30_000);
    // The browser's own Reload opens a sample again; any other file has to be given again.
    await noted(page, 30_000);
    await page.reload();
    await opened(page);
    await expect.poll(top).toBe(30_000);
  });

  test('a file that is given again after a reload of the page stands where it stood', async () => {
    const { page } = viewer;
    const lines = page.getByRole('listbox', { name: 'Lines' });
    const top = (): Promise<number> => lines.evaluate((element) => element.scrollTop);
    const long = join(FOLDER, 'long.log');
    writeFileSync(long, '[step]on\n'.repeat(12_000));
    await dropFiles(page, [long]);
    await opened(page);
    await lines.evaluate((element) => (element.scrollTop = 123_450));
    await noted(page, 123_450);
    for (let times = 0; times < 2; times++) await page.reload();
    await page.getByText('long.log').waitFor();
    await dropFiles(page, [long]);
    await opened(page);
    await expect.poll(top).toBe(123_450);
    // Later on it is another opening.
    await dropFiles(page, [FILES.small]);
    await opened(page);
    await dropFiles(page, [long]);
    await opened(page);
    await page.locator('#line-12000').waitFor();
  });

  test('Back and Forward lead from file to file', async () => {
    const { page } = viewer;
    await openSample(page, 'A broken log');
    await page.locator('#goto').fill('7');
    await page.locator('#goto').press('Enter');
    await expect.poll(() => page.url()).toContain('line=7');
    await dropFiles(page, [FILES.small]);
    await expect.poll(() => page.locator('.file').textContent()).toBe('small.log');
    await opened(page);
    await step(page, 'back');
    await expect.poll(() => page.locator('.file').textContent()).toBe('malformed.log');
    await opened(page);
    await stateAt(page, 7);
    await step(page, 'on');
    await expect.poll(() => page.locator('.file').textContent()).toBe('small.log');
    await opened(page);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.getByRole('heading', { name: 'See what a task did' }).waitFor();
    await step(page, 'back');
    await expect.poll(() => page.locator('.file').textContent()).toBe('small.log');
    // What was opened before the page was loaded cannot be opened by it.
    await page.reload();
    await page.getByText('This link leads into').waitFor();
    await dropFiles(page, [FILES.hostileLog]);
    await opened(page);
    await step(page, 'back');
    await page.getByText('That was in “small.log”').waitFor();
    await page.getByRole('button', { name: 'Previous line' }).click();
    expect(page.url()).not.toContain('hostile');
    await step(page, 'on');
    await page.getByText('That was in “small.log”').waitFor({ state: 'detached' });
    expect(page.url()).toContain('hostile');
  });

  test('the first match of a search is one step back', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    await page.locator('#goto').fill('7');
    await page.locator('#goto').press('Enter');
    await stateAt(page, 7);
    await page.locator('#search').fill('temperature');
    for (let times = 0; times < 3; times++) {
      await page.locator('#search').press('Enter');
      await page.getByText(/^Line \d+/).waitFor();
    }
    await step(page, 'back');
    await stateAt(page, 7);
  });
});
