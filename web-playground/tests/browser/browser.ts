import { basename } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, type TestContext } from 'vitest';
import { addFrame } from './film';
import { closePages, launch } from './playground';

/** One browser for the tests of a file; each test starts without open pages. */
export function browserOfThisFile(flags: string[] = []): () => Browser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(flags);
  });
  afterEach(async ({ task }) => {
    await addLastFrames(browser, task);
    await closePages(browser);
  });
  afterAll(() => browser.close());
  return () => browser;
}

/** How each page looked at the end of a test. */
async function addLastFrames(browser: Browser, task: TestContext['task']): Promise<void> {
  const pages = browser.contexts().flatMap((context) => context.pages());
  const title = [basename(task.file.name, '.test.ts'), task.suite?.name, task.name]
    .filter(Boolean)
    .join(': ');
  for (const [index, page] of pages.entries())
    await addFrame(page, index ? `${title} (${index + 1})` : title);
}
