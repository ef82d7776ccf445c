/** The little of a browser that React needs; the network stays Node's. */
import { Window } from 'happy-dom';

const page = new Window();
const { document, navigator, HTMLElement, HTMLIFrameElement } = page;
for (const [name, value] of Object.entries({
  window: page,
  document,
  navigator,
  HTMLElement,
  HTMLIFrameElement,
}))
  Object.defineProperty(globalThis, name, { value, configurable: true });
