// Runs the page in Debian's Chromium until the standard input ends, and prints what it says.
// node phone.js PAGE_PORT WEBSOCKET_URL EXTENSION PASSWORD
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright-core';

const [port, url, extension, password] = process.argv.slice(2);
const bundle = buildSync({
  entryPoints: [join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'page.js')],
  bundle: true,
  format: 'iife',
  write: false,
  define: { global: 'window' },
});
const page = `<!doctype html><meta charset="utf-8"><script>${bundle.outputFiles[0].text.replaceAll('</script', '<\\/script')}</script>`;
const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(page));
await new Promise((ready) => server.listen(Number(port), '127.0.0.1', ready));

const profile = mkdtempSync(join(tmpdir(), 'lampfield-browser-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  // The certificate is the test's own.
  ignoreHTTPSErrors: true,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--ignore-certificate-errors',
  ],
});
const tab = context.pages()[0] ?? (await context.newPage());
tab.on('console', (message) => console.log(message.text()));
tab.on('pageerror', (error) => console.log(`page error: ${error}`));
const query = new URLSearchParams({ url, extension, password });
await tab.goto(`http://127.0.0.1:${port}/?${query}`);

process.stdin.resume();
process.stdin.on('end', async () => {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  process.exit(0);
});
