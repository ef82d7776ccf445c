/**
 * Monaco writes styles into markup and into `style` elements, both of which the content security policy forbids. What
 * it allows are styles that scripts set on elements and style sheets: here the former become the latter. The policy
 * has the hash of an empty `style` element, so that Monaco can insert rules into one.
 */
export function allowInlineStyles(): void {
  const { insertAdjacentHTML } = Element.prototype;
  Element.prototype.insertAdjacentHTML = function (position, html) {
    const text = String(html);
    insertAdjacentHTML.call(this, position, withoutStyles(text));
    if (text.includes(STYLE)) applyStyles(this.parentElement ?? this);
  };
  const innerHTML = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML');
  Object.defineProperty(Element.prototype, 'innerHTML', {
    ...innerHTML,
    set(this: Element, html: unknown) {
      const text = String(html);
      innerHTML?.set?.call(this, withoutStyles(text));
      if (text.includes(STYLE)) applyStyles(this);
    },
  });
  Object.defineProperty(HTMLStyleElement.prototype, 'textContent', {
    configurable: true,
    get(this: HTMLStyleElement) {
      return css.get(this) ?? '';
    },
    set(this: HTMLStyleElement, text: unknown) {
      replaceSheet(this, String(text ?? ''));
    },
  });
}

const STYLE = ' style="';
const MOVED = 'data-moved-style';
const sheets = new WeakMap<HTMLStyleElement, CSSStyleSheet>();
const css = new WeakMap<HTMLStyleElement, string>();

/** Only within tags: a text may have the same characters. */
function withoutStyles(html: string): string {
  if (!html.includes(STYLE)) return html;
  return html.replaceAll(/<[^>]*>/g, (tag) => tag.replaceAll(STYLE, ` ${MOVED}="`));
}

function applyStyles(root: Element): void {
  for (const element of root.querySelectorAll<HTMLElement>(`[${MOVED}]`)) {
    element.style.cssText = element.getAttribute(MOVED) ?? '';
    element.removeAttribute(MOVED);
  }
}

function replaceSheet(element: HTMLStyleElement, text: string): void {
  let sheet = sheets.get(element);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheets.set(element, sheet);
    document.adoptedStyleSheets.push(sheet);
  }
  css.set(element, text);
  sheet.replaceSync(text);
}
