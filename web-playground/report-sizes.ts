import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** The maximum compressed size of the page's own code; Monaco and its dependencies are counted separately. */
const LIMIT_KB = 500;
const EDITOR = /node_modules\/(monaco-editor|monaco-graphql|prettier)\//;

/** Reports the bundle sizes, and fails the build when the page's own code exceeds the limit. */
export function reportSizes(): Plugin {
  return {
    name: 'report-sizes',
    apply: 'build',
    async writeBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const gzipKb = async (code: string) => (await promisify(gzip)(code)).length / 1000;
      const sizes = await Promise.all(
        chunks.map(async (chunk) => {
          const modules = Object.entries(chunk.modules);
          const all = modules.reduce((sum, [, { renderedLength }]) => sum + renderedLength, 0);
          const editor = modules.filter(([id]) => EDITOR.test(id));
          const share = editor.reduce((sum, [, { renderedLength }]) => sum + renderedLength, 0) / (all || 1);
          return { first: isFirst(chunk, chunks), share, size: await gzipKb(chunk.code) };
        }),
      );
      const sum = (of: (part: (typeof sizes)[number]) => number) =>
        Math.round(sizes.reduce((total, part) => total + of(part), 0));
      const own = sum(({ size, share }) => size * (1 - share));

      this.info(`JavaScript, compressed with gzip:
  initial load            ${sum(({ first, size }) => (first ? size : 0))} kB
  the page's own code     ${own} kB of ${LIMIT_KB} kB
  Monaco and Prettier     ${sum(({ size, share }) => size * share)} kB, without workers`);
      if (own > LIMIT_KB)
        this.error(`The page's own JavaScript is ${own} kB, above the limit of ${LIMIT_KB} kB.`);
    },
  };
}

interface Chunk {
  fileName: string;
  isEntry: boolean;
  imports: string[];
}

/** Whether the page needs it to render: the entry, and its static imports. */
function isFirst(chunk: Chunk, chunks: Chunk[]): boolean {
  if (chunk.isEntry) return true;
  return chunks.some((other) => other.imports.includes(chunk.fileName) && isFirst(other, chunks));
}
