import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** What the page's own code may weigh, compressed; Monaco and what it loads are counted apart. */
const LIMIT_KB = 500;
const EDITOR = /node_modules\/(monaco-editor|monaco-graphql|prettier)\//;

/** Says what the page weighs, and fails the build when its own code weighs too much. */
export function reportSizes(): Plugin {
  return {
    name: 'report-sizes',
    apply: 'build',
    async writeBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const weigh = async (code: string) => (await promisify(gzip)(code)).length / 1000;
      const sizes = await Promise.all(
        chunks.map(async (chunk) => {
          const modules = Object.entries(chunk.modules);
          const all = modules.reduce((sum, [, { renderedLength }]) => sum + renderedLength, 0);
          const editor = modules.filter(([id]) => EDITOR.test(id));
          const share = editor.reduce((sum, [, { renderedLength }]) => sum + renderedLength, 0) / (all || 1);
          return { first: isFirst(chunk, chunks), share, size: await weigh(chunk.code) };
        }),
      );
      const sum = (of: (part: (typeof sizes)[number]) => number) =>
        Math.round(sizes.reduce((total, part) => total + of(part), 0));
      const own = sum(({ size, share }) => size * (1 - share));

      this.info(`JavaScript, compressed with gzip:
  before the page shows   ${sum(({ first, size }) => (first ? size : 0))} kB
  the page's own          ${own} kB of ${LIMIT_KB} kB
  Monaco and Prettier     ${sum(({ size, share }) => size * share)} kB, without workers`);
      if (own > LIMIT_KB) this.error(`The page's own JavaScript is ${own} kB: more than ${LIMIT_KB} kB.`);
    },
  };
}

interface Chunk {
  fileName: string;
  isEntry: boolean;
  imports: string[];
}

/** Whether the page waits for it: the entry, and what that imports. */
function isFirst(chunk: Chunk, chunks: Chunk[]): boolean {
  if (chunk.isEntry) return true;
  return chunks.some((other) => other.imports.includes(chunk.fileName) && isFirst(other, chunks));
}
