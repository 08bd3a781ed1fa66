import { setTimeout as delay } from 'node:timers/promises';

/** How long answers took, in milliseconds, and what was asked. */
export type Visit = {
  /** Answered with 200. */
  readonly answered: readonly string[];
  /** What went wrong with the others. */
  readonly failures: readonly string[];
  readonly p50: number;
  readonly p99: number;
};

const answerWithinMs = 10_000;

/**
 * Asks a shop for something new at an even rate, whether or not it has answered yet, until `during` is over. Every query
 * is asked once; `name` tells those of one visit from another's.
 */
export async function visitSteadily(
  url: string,
  { name, perSecond }: { readonly name: string; readonly perSecond: number },
  during: () => Promise<void>,
): Promise<Visit> {
  const answered: string[] = [];
  const failures: string[] = [];
  const tookMs: number[] = [];
  const ask = async (query: string): Promise<void> => {
    const askedMs = performance.now();
    try {
      const signal = AbortSignal.timeout(answerWithinMs);
      const answer = await fetch(`${url}/api/books?q=${encodeURIComponent(query)}`, { signal });
      await answer.arrayBuffer();
      tookMs.push(performance.now() - askedMs);
      if (answer.status === 200) answered.push(query);
      else failures.push(`${query}: ${answer.status}`);
    } catch (error) {
      failures.push(`${query}: ${String(error)}`);
    }
  };
  const over = new AbortController();
  const asking: Promise<void>[] = [];
  const startedMs = performance.now();
  const sending = (async () => {
    for (let sent = 0; !over.signal.aborted;) {
      const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1_000);
      for (; sent < due; sent++) asking.push(ask(`sea ${name} ${sent}`));
      await delay(2);
    }
  })();
  await during().finally(() => over.abort());
  await sending;
  await Promise.all(asking);
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
  return { answered, failures, p50: at(0.5), p99: at(0.99) };
}
