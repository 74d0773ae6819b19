import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type UserConfig } from 'vite';

const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Where it is served is another path each time.
  base: './',
  plugins: [vue()],
  publicDir: 'public',
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    // A strict Content-Security-Policy lets in files of our own, and nothing that is written into others.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
    // What the page is made of stands in it, and so does what its authors ask for.
    license: { fileName: 'licenses.md' },
  },
});

export default config;
