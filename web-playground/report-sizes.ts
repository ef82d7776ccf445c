import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

/** The maximum compressed size of the page's own code; Monaco and its dependencies are counted separately. */
const LIMIT_KB = 500;
/** The maximum of what a browser without a cache transfers until the page is idle, in Brotli. */
const COLD_LIMIT_KB = 1_000;
const EDITOR = /node_modules\/(monaco-editor|monaco-graphql|prettier)\//;
/** What is loaded only when it is used: panels, dialogs, views, and what formats. */
const ON_DEMAND = /\/src\/(?!editor\/editor\.)|\/prettier\//;
/** Assets that are transferred at once: the worker that checks operations, and the icons. */
const COLD_ASSETS = /graphql\.worker|\.ttf$/;

/** Reports the bundle sizes, and fails the build when one of them exceeds its limit. */
export function reportSizes(): Plugin {
  let directory = '';
  let cold: string[] = [];
  return {
    name: 'report-sizes',
    apply: 'build',
    configResolved(config) {
      directory = config.build.outDir;
    },
    async writeBundle(_options, bundle) {
      const files = Object.values(bundle);
      const chunks = files.filter((file) => file.type === 'chunk');
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
      cold = coldFiles(files).map(({ fileName }) => fileName);

      this.info(`JavaScript, compressed with gzip:
  initial load            ${sum(({ first, size }) => (first ? size : 0))} kB
  the page's own code     ${own} kB of ${LIMIT_KB} kB
  Monaco and Prettier     ${sum(({ size, share }) => size * share)} kB, without workers`);
      if (own > LIMIT_KB)
        this.error(`The page's own JavaScript is ${own} kB, above the limit of ${LIMIT_KB} kB.`);
    },
    closeBundle: {
      // After `precompress`, whose files are what is transferred.
      order: 'post',
      sequential: true,
      async handler() {
        const sizes = await Promise.all(cold.map((name) => stat(join(directory, `${name}.br`))));
        const transferred = Math.round(sizes.reduce((sum, { size }) => sum + size, 0) / 1000);
        this.info(`A first visit transfers ${transferred} kB of ${COLD_LIMIT_KB} kB, compressed with Brotli`);
        if (transferred > COLD_LIMIT_KB)
          this.error(`A first visit transfers ${transferred} kB, above the limit of ${COLD_LIMIT_KB} kB.`);
      },
    },
  };
}

type File = Rolldown.OutputChunk | Rolldown.OutputAsset;

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

/** What is transferred without any click: the page, the editor, their styles, and their assets. */
function coldFiles(files: File[]): File[] {
  const byName = new Map(files.map((file) => [file.fileName, file]));
  const found = new Set<File>();
  const visit = (file: File | undefined) => {
    if (!file || found.has(file)) return;
    found.add(file);
    if (file.type !== 'chunk') return;
    for (const name of file.imports) visit(byName.get(name));
    for (const name of file.viteMetadata?.importedCss ?? []) visit(byName.get(name));
    for (const name of file.dynamicImports) {
      const chunk = byName.get(name);
      if (chunk?.type === 'chunk' && !ON_DEMAND.test(chunk.facadeModuleId ?? '')) visit(chunk);
    }
  };
  for (const file of files) {
    const isAtOnce = file.type === 'chunk' ? file.isEntry : COLD_ASSETS.test(file.fileName);
    if (isAtOnce || file.fileName === 'index.html') visit(file);
  }
  return [...found];
}
