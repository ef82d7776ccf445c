import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Where screenshots and their report go; without it, none are made. */
const directory = process.env.PLAYGROUND_FILM;

const HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The playground, as its tests saw it</title>
<style>
body { margin: 2rem; font: 16px / 1.5 system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 2rem; }
figure { margin: 0; }
img { max-width: 100%; max-height: 32rem; border: 1px solid #888; }
</style>
<h1>The playground, as its tests saw it</h1>
<main>
`;

/** Begins the report. Vitest calls it before the first test. */
export async function setup(): Promise<void> {
  if (!directory) return;
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'index.html'), HEAD);
}

/** Adds what the page shows to the report. */
export async function addFrame(page: Page, title: string): Promise<void> {
  if (!directory) return;
  const file = `${title.replaceAll(/[^\w]+/g, '-').slice(0, 150)}.png`;
  await page.screenshot({ path: join(directory, file), animations: 'disabled' });
  const caption = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const figure = `<figure><a href="${file}"><img src="${file}" alt="" loading="lazy"></a><figcaption>${caption}</figcaption></figure>\n`;
  await appendFile(join(directory, 'index.html'), figure);
}
