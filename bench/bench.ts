import { parseArgs } from 'node:util';
import { benchImport } from './import.ts';
import { benchKafka } from './kafka.ts';
import { benchLatency } from './latency.ts';
import { benchProjection } from './projection.ts';
import { benchRecommendation } from './recommendation.ts';
import { benchSearch } from './search.ts';
import { benchSpool } from './spool.ts';
import { benchSteady } from './steady.ts';
import { benchTrends } from './trends.ts';

const usage = `npm run bench -- search [--books 10000] [--queries 20000] [--seconds 8] [--rounds 3] [--zipf]
npm run bench -- projection [--events 400000]
npm run bench -- kafka [--events 400000] [--rounds 3] [--plain] [--mysql | --tidb]
npm run bench -- spool [--events 400000] [--seconds 8]
npm run bench -- latency [--rate 50] [--listeners 0] [--seconds 8] [--kafka] [--mysql]
npm run bench -- steady [--rate 200] [--listeners 20] [--seconds 600]
npm run bench -- trends [--counts 1000000] [--rate 50] [--seconds 8] [--rounds 3]
npm run bench -- recommendation [--events 400000] [--books 10000] [--stream FILE] [--seconds 8]
npm run bench -- import [--rows 100000] [--format csv|ndjson] [--mysql]`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    books: { type: 'string', default: '10000' },
    queries: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    kafka: { type: 'boolean', default: false },
    rate: { type: 'string', default: '50' },
    listeners: { type: 'string', default: '0' },
    counts: { type: 'string', default: '1000000' },
    events: { type: 'string', default: '400000' },
    rows: { type: 'string', default: '100000' },
    format: { type: 'string', default: 'csv' },
    stream: { type: 'string' },
    mysql: { type: 'boolean', default: false },
    tidb: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
    zipf: { type: 'boolean', default: false },
  },
});
const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const {
  books = 0,
  queries = 0,
  seconds = 0,
  rounds = 0,
  events = 0,
  rows = 0,
  rate = 0,
  listeners = 0,
  counts = 0,
} = options;

switch (positionals[0]) {
  case 'search':
    console.log(JSON.stringify(await benchSearch({ books, queries, seconds, rounds, isZipf: values.zipf })));
    break;
  case 'projection':
    console.log(JSON.stringify(await benchProjection({ events })));
    break;
  case 'kafka':
    console.log(
      JSON.stringify(
        await benchKafka({
          events,
          rounds,
          isPlain: values.plain,
          state: values.tidb ? 'tidb' : values.mysql ? 'mariadb' : 'sqlite',
        }),
      ),
    );
    break;
  case 'spool':
    console.log(JSON.stringify(await benchSpool({ events, seconds })));
    break;
  case 'latency':
    console.log(
      JSON.stringify(
        await benchLatency({ perSecond: rate, seconds, listeners, onKafka: values.kafka, onMysql: values.mysql }),
      ),
    );
    break;
  case 'steady':
    console.log(JSON.stringify(await benchSteady({ perSecond: rate, seconds, listeners })));
    break;
  case 'trends':
    console.log(JSON.stringify(await benchTrends({ counts, perSecond: rate, seconds, rounds })));
    break;
  case 'recommendation': {
    const { stream = null } = values;
    console.log(JSON.stringify(await benchRecommendation({ events, books, seconds, stream })));
    break;
  }
  case 'import':
    console.log(
      JSON.stringify(await benchImport({ rows, isNdjson: values.format === 'ndjson', onMysql: values.mysql })),
    );
    break;
  default:
    console.error(usage);
    process.exitCode = 2;
}
