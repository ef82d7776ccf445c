import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Prose } from './prose';

test.each([
  ['`path` says where, `code` what.', '<code>path</code> says where, <code>code</code> what.'],
  ['No code.', 'No code.'],
  ['Expected ` or {', 'Expected ` or {'],
  ['one\ntwo\n', 'one\ntwo'],
  ['', ''],
])('what stands between backticks is code: %s', (text, html) => {
  expect(renderToStaticMarkup(<Prose text={text} />)).toBe(html);
});
