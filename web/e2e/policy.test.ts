// What both builds must never do, whatever a file holds.
import { expect, test } from 'vitest';
import { dropFiles, onBuilds, opened } from './browser';
import { FILES } from './files';

onBuilds(['site', 'one file'], (viewer) => {
  test('text cannot become markup or script, and nothing can be fetched from elsewhere', async () => {
    const { page } = viewer;
    const found = await page.evaluate(async () => {
      const blocked: string[] = [];
      addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
      const attempt = (act: () => unknown): string => {
        try {
          act();
          return 'done';
        } catch (error) {
          return error instanceof Error ? error.name : 'refused';
        }
      };
      const markup = attempt(() => (document.createElement('div').innerHTML = '<b>x</b>'));
      const worker = attempt(() => new Worker('data:text/javascript,1'));
      const script = attempt(() => (document.createElement('script').textContent = 'document.title = "owned"'));
      const image = new Image();
      const loaded = new Promise((done) => ((image.onload = () => done('loaded')), (image.onerror = () => done('refused'))));
      image.src = 'http://127.0.0.1:9/x.png';
      const fetched = await fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused');
      return { markup, worker, script, image: await loaded, fetched, title: document.title, blocked };
    });
    expect(found).toMatchObject({ markup: 'TypeError', worker: 'TypeError', script: 'TypeError', image: 'refused', fetched: 'refused' });
    expect(found.title).not.toBe('owned');
    expect(found.blocked).toEqual(expect.arrayContaining(['img-src', 'connect-src']));
    // Refused before they left the browser, as the answers say.
    viewer.expectRequests(/^http:\/\/127\.0\.0\.1:9\//);
    viewer.expectErrors(/Content Security Policy|'Trusted(HTML|Script|ScriptURL)' assignment/);
  });

  test('the worker can fetch nothing either', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.small]);
    await opened(page);
    const answer = await page.workers()[0]?.evaluate(() => fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused'));
    expect(answer).toBe('refused');
    viewer.expectErrors(/Content Security Policy/i);
  });
});
