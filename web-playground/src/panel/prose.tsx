/** Text in which backticks mark code. */
export function Prose({ text }: { text: string }) {
  return text
    .trim()
    .split('`')
    .map((part, index, all) => {
      // Every second part is between two backticks; an unmatched one marks nothing.
      const isCode = index % 2 === 1 && index < all.length - 1;
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts have an order and nothing else.
      return isCode ? <code key={index}>{part}</code> : index % 2 === 1 ? `\`${part}` : part;
    });
}
