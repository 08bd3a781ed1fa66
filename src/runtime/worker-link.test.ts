import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, describe, it } from 'node:test';
import { until } from '../../test/support/until.ts';
import { SamsaError } from '../errors.ts';
import { fromPlainError, startWorker, toPlainError, type WorkerLink } from './worker-link.ts';

const folder = mkdtempSync(join(tmpdir(), 'samsa-worker-'));
after(() => rmSync(folder, { recursive: true }));

/** A thread that runs `body`, which has `link`. */
function start(body: string, options: { readonly restartAfterMs?: number } = {}) {
  const path = join(folder, `${Math.random()}.mjs`);
  const module = JSON.stringify(new URL('./worker-link.ts', import.meta.url).href);
  writeFileSync(path, `import { linkToParent } from ${module}; const link = linkToParent(); ${body}`);
  const heard: unknown[] = [];
  const ends: unknown[] = [];
  const link: WorkerLink<unknown> = startWorker<unknown, unknown>({
    entry: pathToFileURL(path),
    name: 'test',
    data: 'data',
    youngGenerationMiB: 8,
    onMessage: (message) => heard.push(message),
    onEnd: (cause) => ends.push(cause),
    ...options,
  });
  return { link, heard, ends };
}

describe('a link to a worker thread', () => {
  it('carries messages both ways, and ends when it is asked to', async () => {
    const { link, heard, ends } = start(
      `link.listen({ onMessage: (message) => link.tell([link.data, message]), onClose: () => link.tell('closing') });`,
    );
    link.tell('hello');
    await until('it has answered', () => heard.length > 0);
    await link.close();
    await link.close();
    assert.deepEqual([heard, ends], [[['data', 'hello'], 'closing'], []]);
  });

  it('ends a thread by force that does not end in time', async () => {
    const { link, heard } = start(`link.listen({ onClose: () => { for (;;); } }); link.tell('ready');`);
    await until('it listens', () => heard.length > 0);
    await link.close(1);
  });

  it('tells what ended a thread, and starts it again', async () => {
    const { link, heard, ends } = start(
      `link.tell('started'); link.listen({ onClose: () => {}, onMessage: () => { throw new Error('broken'); } });`,
      { restartAfterMs: 1 },
    );
    await until('it has started', () => heard.length === 1);
    link.tell('break');
    await until('it has started again', () => heard.length === 2);
    await link.close();
    assert.deepEqual(ends.map(String), ['Error: broken']);
  });
});

it('keeps what an error says when it goes from thread to thread', () => {
  const error = new SamsaError('spool-full', 'full', { retryable: true });
  const there = fromPlainError(structuredClone(toPlainError(error)));
  assert.ok(there instanceof SamsaError);
  assert.deepEqual([there.code, there.message, there.retryable], ['spool-full', 'full', true]);
  assert.deepEqual(fromPlainError(toPlainError(new TypeError('bug'))), new Error('bug'));
});
