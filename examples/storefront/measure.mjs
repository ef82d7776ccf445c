// Measures visits of the shop at LYCEUM_URL in Chromium, as a table: npm run measure
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { chromium } from 'playwright-core';

const VISITS = 9;
const FLAGS = createRequire(import.meta.url)('./tests/browser/chromium-flags.json');
const store = new URL('/store', process.env.LYCEUM_URL ?? 'http://localhost:4000/').href;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: FLAGS,
});
const course = await aCourse();
const rows = [
  ['the catalogue, first visit', () => visits('/', { isFirst: true })],
  ['the catalogue, again', () => visits('/', { isFirst: false })],
  ['a course, first visit', () => visits(course, { isFirst: true })],
];
console.log('| visit | requests | bytes | first paint | interactive |\n| --- | --- | --- | --- | --- |');
for (const [name, measure] of rows) console.log(`| ${name} | ${(await measure()).join(' | ')} |`);
const [load] = loadavg();
console.log(`\nChromium ${browser.version()}, ${cpus().length} processors, a load of ${load?.toFixed(1)}`);
await browser.close();

async function aCourse() {
  const page = await browser.newPage();
  await page.goto(store);
  const path = await page
    .getByRole('main')
    .getByRole('article')
    .getByRole('link')
    .first()
    .getAttribute('href');
  await page.close();
  return path?.replace(/^\/store/, '');
}

/** The medians of some visits, each by a browser that knows nothing or that was there before. */
async function visits(path, { isFirst }) {
  const seen = [];
  for (let count = 0; count < VISITS; count += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    if (!isFirst) await visit(context, path);
    seen.push(await visit(context, path));
    await context.close();
  }
  const median = (of) => seen.map(of).sort((one, other) => one - other)[Math.floor(VISITS / 2)];
  const time = (of) => `${Math.round(median(of))} ms`;
  return [
    median(({ requests }) => requests),
    median(({ bytes }) => bytes),
    time(({ firstPaint }) => firstPaint),
    time(({ interactive }) => interactive),
  ];
}

async function visit(context, path) {
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  let bytes = 0;
  let requests = 0;
  // With the headers, as they come over the network; nothing for what is in the browser's cache.
  network.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    if (encodedDataLength > 0) requests += 1;
  });
  await page.goto(`${store}${path}`, { waitUntil: 'commit' });
  const interactive = await page.evaluate(whenInteractive);
  await page.waitForLoadState('networkidle');
  const firstPaint = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0].startTime,
  );
  await page.close();
  return { requests, bytes, firstPaint, interactive };
}

/** When the page has its content, and has nothing left to do: a click is answered at once. */
function whenInteractive() {
  return new Promise((resolve) => {
    const look = () => {
      const isLoading = document.querySelector('main .loading, main [aria-busy="true"]');
      const isThere = document.querySelector('main h1') && !isLoading;
      if (isThere) requestIdleCallback(() => resolve(performance.now()));
      else requestAnimationFrame(look);
    };
    look();
  });
}
