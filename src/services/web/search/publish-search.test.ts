import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { pino } from 'pino';
import { readWholeTopic } from '../../../../test/support/read-whole-topic.ts';
import { makeTemporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { until } from '../../../../test/support/until.ts';
import { createEventSource, text } from '../../../events/envelope.ts';
import { openSqliteLog } from '../../../log/sqlite/log.ts';
import { createSearchPublisher } from './publish-search.ts';

it('answers while another program holds the log, says that a kill would lose events, and writes them later', async () => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'log.sqlite');
  const log = openSqliteLog(path, { clock: Date.now, busyTimeoutMs: 5, patienceMs: 40 });
  const said: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => said.push(JSON.parse(line).msg) });
  const publisher = createSearchPublisher({
    log,
    topic: 't',
    source: createEventSource('test', Date.now),
    logger,
    deadlineMs: 10,
  });
  const other = new DatabaseSync(path);
  try {
    await log.create('t', { partitions: 1, retentionMs: 0, compacted: false });
    const send = (query: string) => publisher.sendEvent(query, Buffer.from('[]'));
    assert.equal(await send('before'), true);
    await until('it is on disk', () => publisher.waiting() === 0);
    said.length = 0;
    other.exec('BEGIN IMMEDIATE');
    assert.deepEqual(await Promise.all([send('one'), send('two')]), [true, true]);
    assert.equal(publisher.waiting(), 2);
    assert.equal(said.length, 1);
    assert.match(said[0]!, /a kill would lose them/);
    other.exec('COMMIT');
    await until('nothing is only in memory', () => publisher.waiting() === 0);
    assert.equal(said.length, 2);
    const queries = (await readWholeTopic(log, 't')).map(({ key }) => text(key!));
    assert.deepEqual(queries.toSorted(), ['before', 'one', 'two']);
    assert.deepEqual(publisher.ledger(), { accepted: 3, published: 3, dropped: 0, waiting: 0 });
  } finally {
    other.close();
    await publisher.close();
    await log.close();
  }
});
