import config from '../../../supergraph.yaml?raw';
import './subgraphs.css';

const COLORS = 8;

/** The names of the subgraphs, in the order of `supergraph.yaml`. */
export const subgraphs = [...config.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name = '']) => name);

/** Gives each subgraph its colour: `var(--graph)` within an element that names it as `data-subgraph`. */
export function colorSubgraphs() {
  const colors = new CSSStyleSheet();
  const rule = (name: string, index: number) =>
    `[data-subgraph="${name}"] { --graph: var(--graph-${(index % COLORS) + 1}); }`;
  colors.replaceSync(subgraphs.map(rule).join('\n'));
  document.adoptedStyleSheets.push(colors);
}
