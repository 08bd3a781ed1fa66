import { join } from 'node:path';
import { it } from 'node:test';
import { defaultTopicNames } from '../src/events/topics.ts';
import { openLog } from '../src/log/open-log.ts';
import { shareConsumers } from './support/share-consumers.ts';

/** `KILLS=20 npm run test:failure` is the long form. */
const kills = Number(process.env['KILLS'] ?? 6);
const eventsPerSecond = 1_000;

it('counts every search once while trend services join, leave and are killed', { timeout: 600_000 }, async (t) => {
  const { sent, pauses } = await shareConsumers({
    kills,
    eventsPerSecond,
    environment: {},
    openLog: (data) =>
      openLog(
        { kind: 'sqlite', path: join(data, 'log.sqlite'), topics: defaultTopicNames, partitions: 4 },
        { clock: Date.now, busyTimeoutMs: 1_000 },
      ),
  });
  t.diagnostic(
    `${sent} events at ${eventsPerSecond}/s, 3 trend services, ${kills} kills; partitions stood still for at most ` +
      `${pauses.untouched} ms, moving ones ${pauses.moved} ms`,
  );
});
