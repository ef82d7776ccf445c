import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { precompress } from './precompress';
import { reportSizes } from './report-sizes';

const router = process.env.LYCEUM_URL ?? 'http://localhost:4000';

/** The router's, so that the preview shows what it forbids. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; worker-src 'self' blob:; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** What the server answers itself. */
const proxy = {
  '/graphql': router,
  '/playground.json': router,
  '/playground/mail.json': router,
  '/store': router,
};

export default defineConfig({
  plugins: [react(), precompress(), reportSizes()],
  worker: { format: 'es' },
  resolve: {
    alias: [
      {
        find: 'monaco-editor/esm/vs/editor/edcore.main.js',
        replacement: resolve('src/editor/monaco-core.js'),
      },
      {
        find: /^.*\/(diffEditorWidget|multiDiffEditorWidget)\.js$/,
        replacement: resolve('src/editor/no-diff-editor.js'),
      },
    ],
  },
  build: {
    // Monaco is one large chunk, loaded after the page shows; its size is known and reported.
    chunkSizeWarningLimit: 5000,
    // GraphiQL's directives to the React compiler, which has already run on it.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: {
    // The operations live beside this folder.
    fs: { allow: ['..'] },
    proxy,
  },
  preview: { proxy, headers: { 'content-security-policy': POLICY } },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
