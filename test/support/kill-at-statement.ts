import { DatabaseSync, StatementSync } from 'node:sqlite';

/** One execution of one SQL text, in the order in which a process executes it: `3 × COMMIT` is the third COMMIT. */
type StatementPoint = `${number} × ${string}`;

/**
 * Watches every SQL statement that this process executes from now on.
 * @param onPoint called before a statement runs; killing the process there is a crash between two statements.
 */
export function watchStatements(onPoint: (point: StatementPoint) => void): void {
  const executed = new Map<string, number>();
  const note = (sql: string): void => {
    const text = sql.replaceAll(/\s+/g, ' ').trim().slice(0, 100);
    const times = (executed.get(text) ?? 0) + 1;
    executed.set(text, times);
    onPoint(`${times} × ${text}`);
  };
  for (const method of ['run', 'get', 'all', 'iterate'] as const) {
    const original: (this: StatementSync, ...given: never[]) => unknown = StatementSync.prototype[method];
    Object.defineProperty(StatementSync.prototype, method, {
      value(this: StatementSync, ...given: never[]): unknown {
        note(this.sourceSQL);
        return original.apply(this, given);
      },
    });
  }
  const exec = DatabaseSync.prototype.exec;
  Object.defineProperty(DatabaseSync.prototype, 'exec', {
    value(this: DatabaseSync, sql: string): void {
      note(sql);
      exec.call(this, sql);
    },
  });
}

/** Kills this process at once: nothing is flushed, and no handler runs. */
export function killThisProcess(): void {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
}
