import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { addFrame } from './film';
import { openEditor, openPanel, run, signInAs } from './playground';

const browser = browserOfThisFile();
const MANY_VIEWS_MS = 420_000;
/** In pixels; as `src/shell/scale.test.ts` has it for the stylesheets. */
const TYPE_SIZES = [12, 13, 14, 16, 20];
const WIDE = { width: 1440, height: 900 };
const SIZES = [
  { width: 1920, height: 1080 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
  WIDE,
];

/** What is looked at, and in which pane it is on a phone. */
const VIEWS: { name: string; pane: string; show: (page: Page) => Promise<unknown> }[] = [
  {
    name: 'first visit',
    pane: 'Operation',
    show: (page) => page.getByText('live in five services').waitFor(),
  },
  {
    name: 'sign-in dialog',
    pane: 'Operation',
    show: (page) => page.getByRole('button', { name: 'Sign in as…' }).click(),
  },
  { name: 'signed in', pane: 'Response', show: showStudentHome },
  ...[
    'Trace',
    'Plan',
    'Performance',
    'Map',
    'Operations',
    'Explorer',
    'Collections',
    'History',
    'Documentation Explorer',
    'Errors',
    'Mail',
  ].map((name) => ({
    name,
    pane: name,
    show: async (page: Page) => {
      await openPanel(page, name);
      await page.waitForLoadState('networkidle');
    },
  })),
];

async function showStudentHome(page: Page) {
  await page.keyboard.press('Escape');
  await signInAs(page, 'Student');
  await run(page);
  await page.getByText('No errors').waitFor();
}

// Many screens: only when a film strip is wanted.
test.skipIf(!process.env.PLAYGROUND_FILM).each(['light', 'dark'] as const)(
  'no text is clipped, nothing leaves the window, and type is of one family and scale, at any size, %s theme',
  async (theme) => {
    const { page } = await openEditor(browser(), { theme });
    const clipped: string[] = [];
    const otherTypes = new Set<string>();
    for (const { name, pane, show } of VIEWS) {
      await show(page);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        await showPane(page, pane);
        const where = `${name}, ${theme}, ${size.width} × ${size.height}`;
        clipped.push(...(await clippedTexts(page)).map((text) => `${where}: ${text}`));
        await addFrame(page, `looks: ${where}`);
      }
      for (const other of await otherType(page)) otherTypes.add(`${name}: ${other}`);
    }
    expect(clipped).toEqual([]);
    expect([...otherTypes]).toEqual([]);
  },
  MANY_VIEWS_MS,
);

/** On a phone there is one pane at a time; a dialog is before all of them. */
async function showPane(page: Page, pane: string): Promise<void> {
  const button = page
    .getByRole('navigation', { name: 'Panes' })
    .getByRole('button', { name: pane, exact: true });
  if ((await page.getByRole('dialog').count()) === 0 && (await button.isVisible())) await button.click();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Texts that are cut off without an ellipsis, or lie outside of the window where nobody can scroll to them. */
function clippedTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (element: Element) => /auto|scroll/.test(getComputedStyle(element).overflow);
    const isReachable = (element: Element): boolean =>
      element.parentElement !== null &&
      (scrolls(element.parentElement) || isReachable(element.parentElement));
    const hasText = (element: Element) =>
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());

    const context = document.createElement('canvas').getContext('2d');
    const isTooLong = (input: HTMLInputElement) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(input);
      const room = input.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      if (context) context.font = font;
      return (context?.measureText(input.value || input.placeholder).width ?? 0) > room + 1;
    };

    // By something around it that neither scrolls nor shows an ellipsis.
    const isCutOff = (element: Element) => {
      const { left, right } = element.getBoundingClientRect();
      for (let around = element.parentElement; around && !scrolls(around); around = around.parentElement) {
        const { overflowX, textOverflow } = getComputedStyle(around);
        const frame = around.getBoundingClientRect();
        const isClipping = overflowX !== 'visible' && textOverflow !== 'ellipsis';
        if (isClipping && (left < frame.left - 1 || right > frame.right + 1)) return true;
      }
      return false;
    };

    const faults: string[] = [];
    for (const input of document.querySelectorAll<HTMLInputElement>(
      'input:is([type="search"], [type="text"], :not([type]))',
    ))
      if (input.checkVisibility() && isTooLong(input))
        faults.push(`input: ${input.value || input.placeholder}`);
    if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
    for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
      // The editors scroll by themselves; drawings are panned.
      if (element.closest('.monaco-editor, svg, .visually-hidden, .skip-link, .canvas')) continue;
      if (!hasText(element) || !element.checkVisibility({ visibilityProperty: true })) continue;
      const { overflowX, textOverflow } = getComputedStyle(element);
      const isCut = element.scrollWidth > element.clientWidth + 1 && overflowX === 'hidden';
      const { left, right } = element.getBoundingClientRect();
      const isOutside = (left < -1 || right > innerWidth + 1) && !isReachable(element);
      if ((isCut && textOverflow !== 'ellipsis') || isOutside || isCutOff(element))
        faults.push(`${element.className || element.tagName}: ${element.textContent?.slice(0, 40)}`);
    }
    return faults;
  });
}

/** Texts in another family of type than that of the page and of code, or in a size that is not of the scale. */
function otherType(page: Page): Promise<string[]> {
  return page.evaluate((sizes) => {
    const mono = getComputedStyle(document.body).getPropertyValue('--mono');
    const plain = (family: string) => family.replaceAll(/["'\s]/g, '');
    const families = [getComputedStyle(document.body).fontFamily, mono].map(plain);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set<string>();
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const element = text.parentElement;
      if (!text.textContent?.trim() || !element?.checkVisibility({ visibilityProperty: true })) continue;
      // Monaco adds the browser's monospaced fonts as a last resort.
      const { fontFamily, fontSize } = getComputedStyle(element);
      const size = Number.parseFloat(fontSize);
      const isOfPage = families.some((family) => plain(fontFamily).startsWith(family));
      if (isOfPage && (size === 0 || sizes.includes(size))) continue;
      found.add(`${element.className || element.tagName}: ${fontSize} ${fontFamily}`);
    }
    return [...found];
  }, TYPE_SIZES);
}
