// Makes dist/: the server, and one page with its style and its script inside.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const read = (name) => readFileSync(`page/${name}`, 'utf8');

// Functions, because `$` means something in a replacement text.
const page = read('index.html')
  .replace('<!-- style -->', () => `<style>\n${read('page.css')}</style>`)
  .replace('<!-- script -->', () => `<script>\n${read('page.js')}</script>`);

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
writeFileSync('dist/index.html', page);
copyFileSync('server.mjs', 'dist/server.mjs');
