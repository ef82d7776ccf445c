import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { precompress } from './precompress.ts';
import { reportSizes } from './report-sizes.ts';

const router = process.env.LYCEUM_URL ?? 'http://localhost:4000';
const proxy = { '/graphql': router, '/playground.json': router };

export default defineConfig({
  base: '/store/',
  plugins: [react(), precompress(), reportSizes()],
  build: {
    // The content security policy allows no `data:` and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
