/** Builds the dashboard's page into `dist/dashboard`, from where the handler serves it. */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  // relative, so that the handler may be mounted anywhere
  base: './',
  plugins: [react()],
  build: {
    outDir: here('../dist/dashboard'),
    emptyOutDir: true,
    // the page's policy allows no data: addresses
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    target: 'es2022',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
});
