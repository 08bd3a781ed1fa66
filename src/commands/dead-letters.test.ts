import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { joinLog, readWithOlderProgram, searchRecord } from '../../test/support/older-program.ts';
import { runCommand, type Said } from '../../test/support/run-command.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { loadConfig } from '../config/config.ts';
import { encodeHeaders } from '../events/record.ts';
import { openSpoolFile } from '../log/spool/spool-file.ts';
import { createIncomingRows } from '../log/spool/incoming.ts';
import { createOutgoingRecords } from '../log/spool/outgoing.ts';
import type { CommandContext } from './command-context.ts';
import { describeLetter } from './state/dead-letter-text.ts';
import { discardDeadLetters, listDeadLetters, redriveDeadLetters, showDeadLetter } from './dead-letters.ts';
import { statusCommand } from './status.ts';

type Shop = {
  readonly run: (command: (context: CommandContext) => Promise<number>) => Promise<Said>;
  /** Appends searches by key and value, and has an older program read them that refuses keys with `new`. */
  readonly read: (...searches: readonly (readonly [query: string, value?: string])[]) => Promise<void>;
};

function test(name: string, body: (shop: Shop) => Promise<void>): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    const { config } = loadConfig({ environment: { SAMSA_DATA: join(folder, 'data') } });
    const run: Shop['run'] = (command) => runCommand(config, command);
    const read: Shop['read'] = async (...searches) => {
      const log = await joinLog(config);
      try {
        await log.append(searches.map(([query, value]) => searchRecord(config, query, 'reader', value)));
        await readWithOlderProgram(config, log, 'new');
      } finally {
        await log.close();
      }
    };
    await body({ run, read });
  });
}

/** A spool with one event that the brokers refused. @returns its id. */
function leaveSetAside(folder: string, query: string): string {
  mkdirSync(folder, { recursive: true });
  const database = openSpoolFile(join(folder, 'abc.sqlite'), { busyTimeoutMs: 0 });
  const incoming = createIncomingRows(database, () => 7);
  incoming.addTopic('t');
  const number = incoming.numberOf('t');
  incoming.write([{ number, key: Buffer.from(query), value: Buffer.from('[]'), headers: encodeHeaders([]) }]);
  const outgoing = createOutgoingRecords(database);
  const [topic] = outgoing.topics();
  const [record] = outgoing.read(topic!, topic!.base, 1, 1_000);
  outgoing.setAside(topic!, record!, 'too large', 8);
  database.close();
  return `abc/${record!.position}`;
}

const idsIn = ({ out }: Said): readonly string[] => out.split('\n').flatMap((line) => /^\S+/.exec(line)?.[0] ?? []);

type Facts = { readonly id: string; readonly status: string; readonly cause: string; readonly value_bytes: number };
const facts = ({ out }: Said): readonly Facts[] => JSON.parse(out) as readonly Facts[];

async function deadInLedger({ run }: Shop): Promise<unknown> {
  const { code, out } = await run((context) => statusCommand(context, { json: true }));
  assert.equal(code, 0, out);
  const { projections } = JSON.parse(out) as {
    projections: { name: string; dead_letters: number; ledger: { outcomes: { dead: number; applied: number } }[] }[];
  };
  return Object.fromEntries(
    projections.map(({ name, dead_letters, ledger }) => {
      const sum = (of: 'dead' | 'applied') => ledger.reduce((total, { outcomes }) => total + outcomes[of], 0);
      return [name, { waiting: dead_letters, dead: sum('dead'), applied: sum('applied') }];
    }),
  );
}

describe('samsa dead-letters', () => {
  test('include events that the brokers refused', async ({ run }) => {
    const spools = join((await run(async ({ config, print }) => (print(config.data), 0))).out.trim(), 'spool');
    const id = leaveSetAside(spools, 'odd query');
    const list = (options: Parameters<typeof listDeadLetters>[1]) =>
      run((context) => listDeadLetters(context, options));
    assert.match((await list({})).err, /the brokers refused 1 events: .* --projection spool/);
    assert.match((await list({ projection: 'spool' })).out, new RegExp(`^${id} .*odd query  too large`));
    const shown = await run((context) => showDeadLetter(context, [`spool/${id}`], {}));
    assert.match(shown.out, /refused  too large\n[^]*odd query/);
    const again = await run((context) => discardDeadLetters(context, [`spool/${id}`], { dryRun: true }));
    assert.match(again.out, /1 would be discarded/);
    await run((context) => discardDeadLetters(context, [], { all: true, projection: 'spool' }));
    assert.equal((await list({ projection: 'spool' })).err, 'no events are set aside\n');
    const gone = run((context) => redriveDeadLetters(context, [`spool/${id}`], {}));
    await assert.rejects(gone, { code: 'bad-request', message: /no event .* is set aside/ });
  });

  test('says that there are none', async ({ run, read }) => {
    const none = await run((context) => listDeadLetters(context, {}));
    assert.match(none.err, /^no service has stored anything in .* yet\nno dead letters\n$/);
    await read(['emma']);
    assert.deepEqual(await run((context) => listDeadLetters(context, {})), {
      code: 0,
      out: '',
      err: 'no dead letters\n',
    });
    assert.equal((await run((context) => listDeadLetters(context, { json: true }))).out, '[]\n');
    assert.match((await run((context) => redriveDeadLetters(context, [], { all: true }))).out, /^0 dead letters\n$/);
  });

  test('lists by projection, cause, reason and time, and no more than asked for', async ({ run, read }) => {
    await read(['new one'], ['emma', 'no JSON'], ['new two']);
    const list = (options: Parameters<typeof listDeadLetters>[1]) =>
      run((context) => listDeadLetters(context, options));
    assert.equal(idsIn(await list({})).length, 6);
    const [first] = idsIn(await list({ projection: 'trend' }));
    assert.match(first ?? '', /^trend-svr\/lr-book-searches\/\d+\/\d+$/);
    assert.equal(idsIn(await list({ projection: 'rec-svr' })).length, 3);
    assert.equal(idsIn(await list({ cause: 'bad-event' })).length, 6);
    assert.equal(idsIn(await list({ cause: 'unexpected' })).length, 0);
    assert.equal(idsIn(await list({ reason: 'expected JSON' })).length, 2);
    assert.equal(idsIn(await list({ since: '1h', until: '2999-01-01' })).length, 6);
    assert.equal(idsIn(await list({ since: '2999-01-01T10:00Z' })).length, 0);
    assert.equal(idsIn(await list({ until: '1h' })).length, 0);
    await assert.rejects(list({ since: '1h', until: '2h' }), { code: 'bad-request', message: /--since and --until/ });
    await assert.rejects(list({ projection: 'trends' }), {
      code: 'bad-request',
      message: '--projection: expected trend, recommendation, spool, trend-svr, rec-svr or search-index, got "trends"',
    });
    assert.equal(idsIn(await list({ projection: 'search-index' })).length, 0);
    const cut = await list({ limit: 2 });
    assert.deepEqual([idsIn(cut).length, cut.err], [2, 'there are more: raise --limit, or narrow the search\n']);
    assert.deepEqual(
      facts(await list({ json: true, reason: 'JSON', projection: 'trend' })).map(({ status, cause, value_bytes }) => {
        return [status, cause, value_bytes];
      }),
      [['waiting', 'bad-event', 7]],
    );
  });

  test('shows one with its bytes, escaped for a terminal, and cuts long ones', async ({ run, read }) => {
    await read(['emma', '\u001B[2Jno JSON'], ['emma', `"${'x'.repeat(5_000)}"`]);
    const ids = idsIn(await run((context) => listDeadLetters(context, { projection: 'trend' })));
    const [short, long] = await Promise.all(ids.map((id) => run((context) => showDeadLetter(context, [id], {}))));
    assert.ok(!`${short?.out}${long?.out}`.includes('\u001B'));
    assert.match(short?.out ?? '', /^value {4}11 bytes of UTF-8\n {4}\\u\{1b\}\[2Jno JSON$/m);
    assert.match(short?.out ?? '', /^key {6}11 bytes of UTF-8\n {4}emma:reader$/m);
    assert.match(long?.out ?? '', /^value {4}5002 bytes of UTF-8, the first 2048\n {4}"x{2047}$/m);
    const byParts = await run((context) => showDeadLetter(context, ids[1]!.split('/'), { json: true }));
    const { value } = JSON.parse(byParts.out) as { value: string };
    assert.equal(Buffer.from(value, 'base64').toString(), `"${'x'.repeat(5_000)}"`);
    await assert.rejects(
      run((context) => showDeadLetter(context, ['trend-svr/lr-book-searches/0/999999'], {})),
      { code: 'dead-letter-unknown' },
    );
  });

  it('shows bytes that are not text in hexadecimal', () => {
    const lines = describeLetter({
      number: 1,
      projection: 'p',
      topic: 't',
      partition: 0,
      offset: 1,
      timestamp: 0,
      key: null,
      value: Buffer.alloc(40, 0xff),
      headers: [['h\n', Buffer.from([])]],
      cause: 'bad-event',
      reason: 'r',
      status: 'waiting',
    });
    assert.deepEqual(lines.slice(5), [
      'headers  1',
      '  h\\u{a}: 0 bytes',
      'key      null',
      'value    40 bytes, not UTF-8, in hexadecimal',
      `    ${'ff'.repeat(32)}`,
      `    ${'ff'.repeat(8)}`,
    ]);
  });

  test('redrives into the projection that was meant, and the ledger stays balanced', async (shop) => {
    const { run, read } = shop;
    await read(['new one'], ['emma', 'no JSON'], ['emma']);
    assert.deepEqual(await deadInLedger(shop), {
      'trend-svr': { waiting: 2, dead: 2, applied: 1 },
      'rec-svr': { waiting: 2, dead: 2, applied: 1 },
    });
    const redrive = (options: Parameters<typeof redriveDeadLetters>[2]) =>
      run((context) => redriveDeadLetters(context, [], options));
    const dry = await redrive({ projection: 'trend', dryRun: true });
    assert.match(dry.out, /would be applied\n2 dead letters: .*\(dry run: nothing was changed\)\n$/);
    const done = await redrive({ projection: 'trend', rate: 1_000 });
    assert.equal(done.code, 1);
    assert.match(done.out, /^2 dead letters: (1 applied, 1 still waiting|1 still waiting, 1 applied)\n$/);
    assert.match(done.err, /^trend-svr\/lr-book-searches\/\d+\/\d+ {2}value: expected JSON/);
    assert.deepEqual(await deadInLedger(shop), {
      'trend-svr': { waiting: 1, dead: 1, applied: 2 },
      'rec-svr': { waiting: 2, dead: 2, applied: 1 },
    });
    assert.match((await redrive({ reason: 'another one' })).out, /^1 dead letter: 1 applied\n$/);
    const redriven = await run((context) => listDeadLetters(context, { status: 'redriven', json: true }));
    assert.equal(facts(redriven).length, 2);
  });

  test('discards those that were named, which stay dead', async (shop) => {
    const { run, read } = shop;
    await read(['new one'], ['emma', 'no JSON']);
    const [first, second] = idsIn(await run((context) => listDeadLetters(context, { projection: 'trend' })));
    const discard = (ids: readonly string[], options: Parameters<typeof discardDeadLetters>[2]) =>
      run((context) => discardDeadLetters(context, ids, options));
    assert.match((await discard([first!, second!], { dryRun: true })).out, /would be discarded\n2 dead letters/);
    assert.match((await discard([first!], {})).out, /^1 dead letter: 1 discarded\n$/);
    const again = await discard([first!], {});
    assert.match(again.out, /^0 dead letters\n$/);
    assert.match(again.err, /  no dead letter of this id waits\n$/);
    assert.equal(again.code, 1);
    assert.deepEqual(await deadInLedger(shop), {
      'trend-svr': { waiting: 1, dead: 2, applied: 0 },
      'rec-svr': { waiting: 2, dead: 2, applied: 0 },
    });
    assert.match((await discard([], { all: true })).out, /^3 dead letters: 3 discarded\n$/);
    assert.deepEqual(facts(await run((context) => listDeadLetters(context, { json: true }))), []);
    assert.equal(facts(await run((context) => listDeadLetters(context, { json: true, status: 'all' }))).length, 4);
  });

  test('refuses to decide about letters that were not selected', async ({ run, read }) => {
    await read(['new one']);
    const refused = [
      (context: CommandContext) => redriveDeadLetters(context, [], {}),
      (context: CommandContext) => discardDeadLetters(context, [], { dryRun: true }),
      (context: CommandContext) => discardDeadLetters(context, ['trend-svr/t/0/1'], { all: true }),
      (context: CommandContext) => discardDeadLetters(context, ['17'], {}),
      (context: CommandContext) => discardDeadLetters(context, ['trend-svr/t/0/1'], { projection: 'rec-svr' }),
      (context: CommandContext) => redriveDeadLetters(context, [], { projection: 'search-index' }),
      (context: CommandContext) => redriveDeadLetters(context, [], { since: 'yesterday' }),
      (context: CommandContext) => listDeadLetters(context, { status: 'dead' }),
    ];
    for (const [index, command] of refused.entries()) {
      await assert.rejects(run(command), { code: 'bad-request' }, String(index));
    }
    assert.equal(idsIn(await run((context) => listDeadLetters(context, {}))).length, 2);
  });
});
