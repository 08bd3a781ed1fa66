import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

const root = join(import.meta.dirname, '..');
const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const patience = { timeout: 10_000 };

let data: string;
let shop: ChildProcess;
let shopUrl: string;
let browser: Browser;

before(async () => {
  data = makeTemporaryFolder();
  shop = spawn(process.execPath, [join(root, 'bin', 'samsa.js'), 'all'], {
    env: {
      ...process.env,
      SAMSA_DATA: data,
      SAMSA_APP_PORT: '0',
      SAMSA_TREND_PORT: '0',
      SAMSA_RECOMMENDATION_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  shopUrl = await urlSaidBy(shop);
  browser = await chromium.launch({ executablePath: chromiumPath, args: quiet });
});

after(async () => {
  await browser?.close();
  if (shop.exitCode === null) {
    shop.kill('SIGTERM');
    await once(shop, 'exit');
  }
});

/** The address in the line that the shop prints when it is ready. */
async function urlSaidBy(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  for await (const line of createInterface(child.stdout)) {
    const url = /^the bookshop\s+(http:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the shop ended before it opened, exit code ${child.exitCode}`);
}

type Visit = {
  readonly page: Page;
  /** Messages of the browser's console, and every request to another host. */
  readonly complaints: readonly string[];
};

/** A new reader with a separate browser profile, on the start page. */
async function enter(test: TestContext, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: shopUrl, ...options });
  test.after(() => context.close());
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(shopUrl)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto('/');
  return { page, complaints };
}

async function search(page: Page, query: string): Promise<void> {
  await page.getByLabel(/^Search by title/).fill(query);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.waitForURL(/\?q=/);
}

const trends = (page: Page) => page.getByRole('region', { name: 'What readers are searching for' });
const suggestions = (page: Page) => page.getByRole('region', { name: 'What you might read next' });

describe('the page in a browser', () => {
  it("marks a reader's own search at once, and shows its count without a reload", async (test) => {
    const { page, complaints } = await enter(test);
    await search(page, 'frankenstein');
    await page
      .getByRole('heading', { level: 2, name: /Frankenstein/ })
      .first()
      .waitFor(patience);
    const own = trends(page).getByRole('listitem').first();
    assert.match(await own.innerText(), /frankenstein\s+you, just now/);
    await own.getByText(/1 reader/).waitFor(patience);
    assert.deepEqual(complaints, []);
  });

  it('shows what to read next, with the reason, without a reload', async (test) => {
    const { page } = await enter(test);
    await search(page, 'jane austen');
    await suggestions(page)
      .getByText(/because you searched/i)
      .first()
      .waitFor(patience);
  });

  it('shows what other readers search for', async (test) => {
    const first = await enter(test);
    const second = await enter(test);
    await search(first.page, 'dracula');
    await trends(second.page).getByRole('link', { name: 'dracula' }).waitFor(patience);
    assert.doesNotMatch(await trends(second.page).innerText(), /just now/);
  });

  it('suggests while typing, and works with the keyboard alone', async (test) => {
    const { page, complaints } = await enter(test);
    const field = page.getByRole('combobox');
    await field.focus();
    await page.keyboard.type('frankenst');
    const options = page.getByRole('option');
    await options.first().waitFor(patience);
    assert.equal(await field.getAttribute('aria-expanded'), 'true');
    await page.keyboard.press('ArrowDown');
    const active = await field.getAttribute('aria-activedescendant');
    assert.equal(active, await page.locator('[role=option][aria-selected=true]').getAttribute('id'));
    await page.keyboard.press('Escape');
    assert.equal(await field.getAttribute('aria-expanded'), 'false');
    assert.equal(await options.count(), 0);
    await page.keyboard.press('ArrowDown');
    await options.first().waitFor(patience);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/books\/\d+|\?q=/);
    assert.deepEqual(complaints, []);
  });

  it('offers a link to the books at the first press of Tab', async (test) => {
    const { page } = await enter(test);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#main$/, patience);
  });

  it('works without JavaScript', async (test) => {
    const { page } = await enter(test, { javaScriptEnabled: false });
    await search(page, 'frankenstein');
    assert.match(await trends(page).innerText(), /frankenstein\s+you, just now/);
    await page
      .getByRole('heading', { level: 2, name: /Frankenstein/ })
      .first()
      .getByRole('link')
      .click();
    await page.getByRole('heading', { level: 1, name: /Frankenstein/ }).waitFor(patience);
    await page.getByRole('button', { name: 'I want to read this' }).click();
    await page.getByText('Noted: you want to read this.').waitFor(patience);
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.getByRole('button', { name: 'I want to read this' }).waitFor(patience);
  });

  it('removes a suggestion when the reader rejects it', async (test) => {
    const { page } = await enter(test);
    await search(page, 'dickens');
    const first = suggestions(page).getByRole('listitem').first();
    await first.waitFor(patience);
    const refused = await first.getByRole('link').innerText();
    await first.getByRole('button', { name: /^Not for me/ }).click();
    await page.waitForURL(/done=dismissed/);
    await suggestions(page)
      .getByRole('link', { name: refused, exact: true })
      .waitFor({ state: 'detached', ...patience });
  });

  it('fits 320 pixels, also with words that cannot be broken', async (test) => {
    const long = 'Donaudampfschiffahrtsgesellschaftskapitaen'.repeat(3);
    const answer = await fetch(`${shopUrl}/api/books`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        title: long,
        author: long,
        description: long,
        subjects: ['Donaudampfschiffahrt'.repeat(3)],
      }),
    });
    const { id } = (await answer.json()) as { id: number };
    const { page } = await enter(test, { viewport: { width: 320, height: 640 } });
    for (const path of [
      '/',
      `/?q=${long}`,
      `/books/${id}`,
      '/books/1',
      '/?q=love',
      `/?q=${'x'.repeat(200)}`,
      '/nope',
    ]) {
      await page.goto(path);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(Number(width) <= 320, `${path}: ${String(width)}`);
    }
  });

  it('keeps the list of a panel while its service does not answer', async (test) => {
    const { page } = await enter(test);
    await search(page, 'dracula');
    const trends = page.locator('[data-live^="/fragments/trends"]');
    await trends.locator('[data-key]').first().waitFor(patience);
    await page.route('**/fragments/trends**', (route) => {
      assert.equal(new URL(route.request().url()).searchParams.get('keep'), 'list');
      return route.fulfill({ status: 204 });
    });
    await page.waitForResponse((response) => response.url().includes('/fragments/trends'), patience);
    await page.waitForResponse((response) => response.url().includes('/fragments/trends'), patience);
    assert.ok((await trends.locator('[data-key]').count()) > 0);
  });

  it('fits a small phone, in light and dark mode', async (test) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await enter(test, { viewport: { width: 360, height: 740 }, colorScheme });
      for (const path of ['/', '/?q=frankenstein', '/?q=zzzzzz']) {
        await page.goto(path);
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        assert.ok(Number(overflow) <= 0, `${colorScheme} ${path} is ${String(overflow)} pixels too wide`);
      }
      assert.deepEqual(complaints, []);
    }
  });
});
