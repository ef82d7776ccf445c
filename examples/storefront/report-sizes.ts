import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** The maximum compressed size of what the first page needs, without its fonts. */
const LIMIT_KB = 130;

/** Reports the sizes of the bundle, and fails the build when the first page grows beyond the limit. */
export function reportSizes(): Plugin {
  return {
    name: 'report-sizes',
    apply: 'build',
    async writeBundle(_options, bundle) {
      const files = Object.values(bundle);
      const chunks = files.filter((file) => file.type === 'chunk');
      const assets = files.filter((file) => file.type === 'asset');
      const size = async (content: string | Uint8Array) => (await promisify(gzip)(content)).length / 1000;
      const total = async (contents: (string | Uint8Array)[]) =>
        (await Promise.all(contents.map(size))).reduce((sum, one) => sum + one, 0);
      const needed = reachable(chunks);
      const first = await total(
        chunks.filter(({ fileName }) => needed.has(fileName)).map(({ code }) => code),
      );
      const later = await total(
        chunks.filter(({ fileName }) => !needed.has(fileName)).map(({ code }) => code),
      );
      const css = await total(
        assets.filter(({ fileName }) => fileName.endsWith('.css')).map(({ source }) => source),
      );
      const fonts = assets.filter(({ fileName }) => fileName.endsWith('.woff2'));
      const fontKb = fonts.reduce((sum, { source }) => sum + source.length / 1000, 0);

      this.info(`Compressed with gzip:
  scripts of the first page  ${first.toFixed(1)} kB of ${LIMIT_KB} kB
  scripts that load later    ${later.toFixed(1)} kB
  styles                     ${css.toFixed(1)} kB
  fonts, where supported     ${fontKb.toFixed(1)} kB in ${fonts.length} files`);
      if (first > LIMIT_KB)
        this.error(`The first page needs ${first.toFixed(1)} kB of scripts, above ${LIMIT_KB} kB.`);
    },
  };
}

/** The entry and all that it imports statically. */
function reachable(chunks: { fileName: string; isEntry: boolean; imports: string[] }[]): Set<string> {
  const found = new Set<string>();
  const visit = (fileName: string) => {
    if (found.has(fileName)) return;
    found.add(fileName);
    for (const next of chunks.find((chunk) => chunk.fileName === fileName)?.imports ?? []) visit(next);
  };
  for (const { fileName, isEntry } of chunks) if (isEntry) visit(fileName);
  return found;
}
