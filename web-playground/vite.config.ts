import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { precompress } from './precompress';
import { reportSizes } from './report-sizes';

const router = process.env.LYCEUM_URL ?? 'http://localhost:4000';

export default defineConfig({
  plugins: [react(), precompress(), reportSizes()],
  worker: { format: 'es' },
  build: {
    // Monaco is one large chunk, loaded after the page shows; its size is known and reported.
    chunkSizeWarningLimit: 5000,
    // GraphiQL's directives to the React compiler, which has already run on it.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: {
    // The operations live beside this folder.
    fs: { allow: ['..'] },
    proxy: { '/graphql': router, '/playground.json': router },
  },
  preview: { proxy: { '/graphql': router, '/playground.json': router } },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
