import { Session, type Profiler } from 'node:inspector';
import { appendFileSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';

/**
 * To be preloaded with `--import`. At SIGUSR2, each thread appends the source files of which a function has run since
 * the last signal to `COVERAGE_FILE`: one line of JSON a thread. `COVERAGE_FILE.begun` and `COVERAGE_FILE.ended` list the threads
 * that have begun and ended.
 */
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

const file = process.env['COVERAGE_FILE'] ?? '';
appendFileSync(`${file}.begun`, `${threadId}\n`);
process.once('exit', () => appendFileSync(`${file}.ended`, `${threadId}\n`));
const signals = new BroadcastChannel('record coverage');
signals.addEventListener('message', record);
signals.unref();
if (isMainThread) {
  process.on('SIGUSR2', () => {
    signals.postMessage(null);
    record();
  });
}

function record(): void {
  session.post(
    'Profiler.takePreciseCoverage',
    (_error: Error | null, { result }: Profiler.TakePreciseCoverageReturnType) => {
      const files = result
        .filter(({ url, functions }) => url.includes('/src/') && functions.some(hasRun))
        .map(({ url }) => url.slice(url.indexOf('/src/') + 5));
      appendFileSync(file, `${JSON.stringify({ threadId, files })}\n`);
    },
  );
}

/** The function that begins at 0 is the module itself, which runs when it is imported. */
function hasRun({ ranges: [range] }: Profiler.FunctionCoverage): boolean {
  return range !== undefined && range.startOffset > 0 && range.count > 0;
}
