import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnSamsa } from '../test/support/start-shop.ts';
import { numberUpTo, wholeNumber } from './main.ts';

it('prints its version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  for (const option of ['--version', '-V']) {
    const command = spawnSamsa([option], tmpdir());
    assert.deepEqual([await command.ended, command.output()], [0, `${version}\n`]);
  }
});

describe('numbers on the command line', () => {
  it('are taken up to their bounds', () => {
    assert.deepEqual(['1', '50'].map(wholeNumber(1, 50)), [1, 50]);
    assert.deepEqual(['0.5', '50'].map(numberUpTo(50)), [0.5, 50]);
  });

  it('are refused outside them, and where they are no numbers', () => {
    for (const text of ['0', '51', '1.5', '-1', '1e1', '']) assert.throws(() => wholeNumber(1, 50)(text), text);
    for (const text of ['0', '50.1', '-1', '1e1', ' 1', '']) assert.throws(() => numberUpTo(50)(text), text);
  });

  it('are refused with what was expected, what came, and what to do', async () => {
    const data = await mkdtemp(join(tmpdir(), 'samsa-options-'));
    const refusal = async (...args: string[]): Promise<string> => {
      const command = spawnSamsa(args, data);
      assert.equal(await command.ended, 2, command.output());
      return command.output();
    };
    try {
      assert.match(
        await refusal('dead-letters', 'list', '--limit', '2.5'),
        /'--limit <n>' argument '2\.5' is invalid\. Expected a whole number from 1 to 100000: give that, or leave the option out\./,
      );
      assert.match(
        await refusal('dead-letters', 'redrive', '--all', '--rate', '0'),
        /'--rate <n>' argument '0' is invalid\. Expected a number above 0 and up to 1000000: give that, or leave/,
      );
    } finally {
      await rm(data, { recursive: true });
    }
  });
});
