import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { loadConfig, type Config } from './config.ts';
import { SamsaError } from '../errors.ts';

type Environment = Readonly<Record<string, string>>;

const folder = makeTemporaryFolder();

async function load(content: string | Buffer, environment: Environment = {}) {
  const file = join(folder, 'config.yml');
  await writeFile(file, content);
  return loadConfig({ file, environment });
}

const fromEnvironment = (environment: Environment): Config => loadConfig({ environment }).config;

/** The lines of the refusal, without the path of the temporary file's folder. */
async function refusal(content: string | Buffer, environment: Environment = {}): Promise<readonly string[]> {
  try {
    await load(content, environment);
  } catch (error) {
    assert.ok(error instanceof SamsaError);
    assert.equal(error.code, 'bad-configuration');
    return error.message.replaceAll(`${folder}/`, '').split('\n  ').slice(1);
  }
  return assert.fail('expected a refusal');
}

describe('without a file', () => {
  it('has a default for everything', () => {
    const { config, notices } = loadConfig({ environment: { PATH: '/bin', HOME: '/root' } });
    assert.deepEqual(notices, []);
    const tls = { enabled: null, ca: null, cert: null, key: null };
    assert.deepEqual(config, {
      data: './data',
      app: {
        port: 8080,
        host: '127.0.0.1',
        pageSize: 10,
        operatorToken: null,
        secret: null,
        trustProxy: [],
        rateLimit: null,
      },
      db: { kind: 'sqlite', folder: null, tls },
      mq: {
        brokers: [],
        topics: {
          searches: 'lr-book-searches',
          actions: 'lr-reader-actions',
          changes: 'lr-book-changes',
          operator: 'lr-operator-actions',
        },
        keyFormat: 'query',
        partitions: 4,
        replication: null,
        sasl: { mechanism: 'PLAIN', username: null, password: null },
        tls,
        spoolSync: 'normal',
        spoolLimitMb: 1_024,
        spoolOverflow: 'drop-oldest',
      },
      trend: {
        port: 8081,
        host: '127.0.0.1',
        groupId: 'trend-svr',
        minimumReaders: 10,
        newReadersPerAddress: null,
        countAnonymous: false,
        blockedWords: [],
      },
      recommendation: { port: 8082, host: '127.0.0.1', groupId: 'rec-svr' },
      remote: { trendUrl: 'http://127.0.0.1:8081', recommendationUrl: 'http://127.0.0.1:8082' },
      log: { level: 'info' },
    });
  });

  it('takes every kind of setting from the environment', () => {
    const config = fromEnvironment({
      SAMSA_DATA: '/srv/shop',
      SAMSA_APP_PORT: '0',
      SAMSA_APP_HOST: '[::1]',
      SAMSA_APP_PAGE_SIZE: ' 25 ',
      SAMSA_APP_SECRET: ' keeps its white space ',
      SAMSA_APP_TRUST_PROXY: '10.0.0.0/8, ::1 ,loopback',
      SAMSA_APP_RATE_LIMIT: '0',
      SAMSA_MQ_BROKERS: 'one:9092,two:9092,',
      SAMSA_MQ_TOPIC: 'searches',
      SAMSA_MQ_TOPICS_ACTIONS: 'actions',
      SAMSA_MQ_KEY_FORMAT: 'query:reader',
      SAMSA_TREND_COUNT_ANONYMOUS: 'true',
      SAMSA_TREND_BLOCKED_WORDS: '',
      SAMSA_LOG_LEVEL: 'warn',
    });
    assert.equal(config.data, '/srv/shop');
    assert.deepEqual(config.app, {
      port: 0,
      host: '::1',
      pageSize: 25,
      operatorToken: null,
      secret: ' keeps its white space ',
      trustProxy: ['10.0.0.0/8', '::1', 'loopback'],
      rateLimit: 0,
    });
    assert.deepEqual(config.mq.brokers, ['one:9092', 'two:9092']);
    assert.deepEqual([config.mq.topics.searches, config.mq.topics.actions], ['searches', 'actions']);
    assert.equal(config.mq.keyFormat, 'query:reader');
    assert.deepEqual([config.trend.countAnonymous, config.trend.blockedWords], [true, []]);
    assert.equal(config.log.level, 'warn');
  });

  it('finds the other services where this machine serves them', () => {
    const config = fromEnvironment({
      SAMSA_TREND_PORT: '9001',
      SAMSA_TREND_HOST: '0.0.0.0',
      SAMSA_RECOMMENDATION_HOST: 'fd00::7',
    });
    assert.deepEqual(config.remote, { trendUrl: 'http://127.0.0.1:9001', recommendationUrl: 'http://[fd00::7]:8082' });
  });

  it('drops path and query of the addresses of other services', () => {
    const { remote } = fromEnvironment({
      SAMSA_REMOTE_TREND_URL: 'http://trend.example:8081/trends?ps=10',
      SAMSA_REMOTE_REC_URL: 'https://rec.example/recommendations?uid=',
    });
    assert.deepEqual(remote, { trendUrl: 'http://trend.example:8081', recommendationUrl: 'https://rec.example' });
  });
});

describe('a file', () => {
  it('counts more than defaults, and less than the environment', async () => {
    const { config } = await load('app:\n  port: 9000\n  page_size: 20\n', { SAMSA_APP_PORT: '9001' });
    assert.deepEqual([config.app.port, config.app.pageSize, config.app.host], [9001, 20, '127.0.0.1']);
  });

  it('may be empty, and have empty sections and values', async () => {
    for (const content of [
      '',
      '\n',
      '# nothing yet\n',
      '---\n',
      'app:\nmq:\n  topics:\n',
      'app:\n  port:\n',
      'app: {}\n',
    ]) {
      assert.equal((await load(content)).config.app.port, 8080, JSON.stringify(content));
    }
  });

  it('takes lists, anchors, quoted numbers and a byte order mark', async () => {
    const { config } = await load(
      '\uFEFFapp:\n  host: &here 127.0.0.2\n  port: "8090"\ntrend:\n  host: *here\n  blocked_words:\n    - gadget\n    - "1984"\n',
    );
    assert.deepEqual([config.app.host, config.app.port, config.trend.host], ['127.0.0.2', 8090, '127.0.0.2']);
    assert.deepEqual(config.trend.blockedWords, ['gadget', '1984']);
  });

  it("may be the tutorial's, whatever chapter it is from", async () => {
    const { config, notices } = await load(`
app:
  port: 8080
  page_size: 10
  templates_pattern: "service/web/adapter/templates/*.html"
db:
  dsn: "test_user:p@ss:w/rd(1)@tcp(127.0.0.1:3306)/lr_event_book?charset=utf8mb4&parseTime=True&loc=Local"
  mongo_uri: "mongodb://localhost:27017"
  mongo_db_name: "lr_event_rec"
mq:
  brokers:
    - localhost:9094
  topic: "lr-book-searches"
  group_id: "trend-svr"
cache:
  address: localhost:6379
  password: test_pass
  db: 0
  timeout: 50
remote:
  trend_url: "http://localhost:8081/trends?ps="
  rec_url: "http://localhost:8082/recommendations?uid="
`);
    assert.deepEqual(config.mq.brokers, ['localhost:9094']);
    assert.deepEqual(config.remote, { trendUrl: 'http://localhost:8081', recommendationUrl: 'http://localhost:8082' });
    assert.equal(config.db.kind === 'mysql' && config.db.password, 'p@ss:w/rd(1)');
    assert.deepEqual(
      notices.map((notice) => notice.split(' ')[0]),
      ['app.templates_pattern', 'db.mongo_uri', 'db.mongo_db_name', 'mq.group_id', 'cache'],
    );
    assert.doesNotMatch(notices.join(), /test_pass/);
  });

  it('may be JSON, with the names the tutorial uses for it', async () => {
    const { config, notices } = await load(`{
  "app": { "port": 3000, "pageSize": 5, "templates_dir": "src/web/adapter/templates" },
  "db": { "dsn": "mysql://test_user:test_pass@127.0.0.1:3306/lr_event_book?charset=utf8mb4", "uri": "mongodb://localhost:27017", "dbName": "lr_event_rec" },
  "mq": { "brokers": ["localhost:9094"], "topic": "lr-book-searches", "groupId": "rec-svr" }
}`);
    assert.deepEqual([config.app.port, config.app.pageSize], [3000, 5]);
    assert.equal(config.db.kind === 'mysql' && config.db.database, 'lr_event_book');
    assert.deepEqual(
      notices.map((notice) => notice.split(' ')[0]),
      ['app.templates_dir', 'db.uri', 'db.dbName', 'mq.groupId'],
    );
  });

  it('is data that a worker thread can be given', async () => {
    const { config } = await load('trend:\n  blocked_words: [a, b]\n');
    assert.deepEqual(structuredClone(config), config);
  });
});

describe('a refusal', () => {
  it('says everything that is wrong at once, by name, line and variable', async () => {
    const lines = await refusal(
      'app:\n  port: eighty\n  page_size: 0\nmq:\n  partitions: 1.5\n  key_format: reader\n',
      {
        SAMSA_LOG_LEVEL: 'loud',
        SAMSA_TREND_COUNT_ANONYMOUS: 'yes',
      },
    );
    assert.deepEqual(lines, [
      'app.port (config.yml, line 2): expected a whole number from 0 to 65535, got "eighty".',
      'app.page_size (config.yml, line 3): expected a whole number from 1 to 100, got 0.',
      'mq.key_format (config.yml, line 6): expected query or query:reader, got "reader".',
      'mq.partitions (config.yml, line 5): expected a whole number from 1 to 1000, got 1.5.',
      'SAMSA_TREND_COUNT_ANONYMOUS: expected true or false, got "yes".',
      'SAMSA_LOG_LEVEL: expected fatal or error or warn or info or debug or trace or silent, got "loud".',
    ]);
  });

  it('names the nearest known key, section or variable', async () => {
    assert.deepEqual(
      await refusal(
        'app:\n  prot: 1\n  pagesize: 10\ntrends:\n  port: 1\nmq:\n  topics:\n    action: x\nconstructor: 1\n',
        {
          SAMSA_APP_PROT: '1',
          SAMSA_DATE: '/x',
        },
      ),
      [
        'app.prot (config.yml, line 2): there is no such setting. Did you mean app.port?',
        'app.pagesize (config.yml, line 3): there is no such setting. Did you mean app.page_size?',
        'trends (config.yml, line 4): there is no such setting. Did you mean trend?',
        'mq.topics.action (config.yml, line 8): there is no such setting. Did you mean mq.topics.actions?',
        'constructor (config.yml, line 9): there is no such setting. Did you mean trend?',
        'SAMSA_APP_PROT: there is no such setting. Did you mean SAMSA_APP_PORT?',
        'SAMSA_DATE: there is no such setting. Did you mean SAMSA_DATA?',
      ],
    );
  });

  it('never shows a secret', async () => {
    const lines = await refusal(
      `app:
  secret: hunter2
  operator_token: hunter2 hunter2
db:
  dsn: postgres://user:hunter2@host/books
mq:
  sasl:
    password: [hunter2]
remote:
  trend_url: "http://user:hunter2@host"
`,
      { SAMSA_APP_SECRT: 'hunter2' },
    );
    assert.equal(lines.length, 6);
    assert.doesNotMatch(lines.join('\n'), /hunter2/);
    assert.match(lines.join('\n'), /dsn.*expected sqlite:.*got something else/);
  });

  it('tells where the YAML is broken', async () => {
    assert.match(
      (await refusal('app:\n  port: 1\n  port: 2\n')).join(),
      /^config\.yml, line 3, column 3: Map keys must be unique/,
    );
    assert.match((await refusal('app:\n\tport: 1\n')).join(), /^config\.yml, line 2, column 1: /);
    assert.match((await refusal('app: [1, 2\nmq: x')).join(), /^config\.yml, line \d/);
    assert.match((await refusal('app: {port: 1}\n---\napp: {port: 2}\n')).join(), /line 2.*multiple documents\.$/);
    assert.match(
      (await refusal('app:\n  host: *nowhere\n')).join(),
      /^config\.yml, line 2, column 9: Unresolved alias/,
    );
  });

  it('expects keys below a section, and no value', async () => {
    assert.deepEqual(await refusal('- app\n- mq\n'), ['config.yml: expected keys and values below it, got a list.']);
    assert.deepEqual(await refusal('just text'), ['config.yml: expected keys and values below it, got text.']);
    assert.deepEqual(await refusal('app: 8080\nmq: [a]\n'), [
      'app (config.yml, line 1): expected keys and values below it, got a number.',
      'mq (config.yml, line 2): expected keys and values below it, got a list.',
    ]);
    assert.match((await refusal('app:\n  port:\n    web: 1\n')).join(), /app\.port .*got \{"web":1\}/);
    assert.match((await refusal('app:\n  host: &a [*a]\n')).join(), /^app\.host|^config\.yml/);
    assert.match((await refusal('app: &a\n  more: *a\n')).join(), /app\.more/);
  });

  it('says so when the file cannot be read', async () => {
    for (const [file, message] of [
      [join(folder, 'nowhere.yml'), /nowhere\.yml: there is no such file\.$/],
      [folder, /expected a YAML file in UTF-8 that can be read/],
    ] as const) {
      assert.throws(() => loadConfig({ file, environment: {} }), { code: 'bad-configuration', message });
    }
    assert.match((await refusal(Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]))).join(), /expected a YAML file in UTF-8/);
    assert.match((await refusal('#'.repeat(1024 * 1024 + 1))).join(), /at most 1 MiB/);
  });

  it('stays readable however much is wrong', async () => {
    const lines = await refusal(Array.from({ length: 1_000 }, (_, index) => `key${index}: 1\n`).join(''));
    assert.equal(lines.length, 31);
    assert.equal(lines.at(-1), 'and 970 more');
  });

  it('wants a key under one of its names only', async () => {
    const lines = await refusal('remote:\n  rec_url: http://a\n  recommendation_url: http://b\n');
    assert.match(lines.join(), /recommendation_url .*the same as remote\.rec_url .*give one of them/);
  });

  it('covers each kind of value', () => {
    const bad: Environment = {
      SAMSA_DATA: ' ',
      SAMSA_APP_PORT: '65536',
      SAMSA_APP_HOST: 'localhost:8080',
      SAMSA_APP_PAGE_SIZE: '-1',
      SAMSA_APP_OPERATOR_TOKEN: 'too-short-token',
      SAMSA_APP_SECRET: 'too short',
      SAMSA_APP_TRUST_PROXY: '10.0.0.0/33',
      SAMSA_MQ_BROKERS: 'localhost',
      SAMSA_TREND_BLOCKED_WORDS: ' , ,',
      SAMSA_MQ_TOPIC: 'book searches',
      SAMSA_MQ_PARTITIONS: '4e0',
      SAMSA_TREND_GROUP_ID: 'two words',
      SAMSA_REMOTE_TREND_URL: 'localhost:8081',
      SAMSA_TREND_PORT: '٣',
    };
    for (const [variable, value] of Object.entries(bad)) {
      assert.throws(
        () => fromEnvironment({ [variable]: value }),
        { code: 'bad-configuration', message: new RegExp(`${variable}: expected `) },
        variable,
      );
    }
  });

  it('treats an empty operator token as missing', () => {
    assert.equal(fromEnvironment({ SAMSA_APP_OPERATOR_TOKEN: '' }).app.operatorToken, null);
  });

  it('covers settings that disagree', () => {
    const bad: readonly (readonly [RegExp, Environment])[] = [
      [/four different names/, { SAMSA_MQ_TOPIC: 'lr-book-changes' }],
      [/expected different names, got rec-svr twice/, { SAMSA_TREND_GROUP_ID: 'rec-svr' }],
      [/data and db\.dsn/, { SAMSA_DATA: './one', SAMSA_DB_DSN: 'sqlite:./two' }],
      [/sasl.*both or neither/, { SAMSA_MQ_SASL_USERNAME: 'samsa' }],
      [/db\.tls.*both or neither/, { SAMSA_DB_TLS_CERT: 'cert.pem' }],
    ];
    for (const [message, environment] of bad) {
      assert.throws(() => fromEnvironment(environment), { code: 'bad-configuration', message });
    }
  });
});
