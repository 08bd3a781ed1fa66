import type { TestEvent } from 'node:test/reporters';

const shown = 10;

/** A reporter that lists the slowest tests at the end. */
export default async function* slowest(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const took: { readonly name: string; readonly ms: number }[] = [];
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details.type === 'suite') continue;
    took.push({ name: event.data.name, ms: event.data.details.duration_ms });
  }
  yield 'slowest tests:\n';
  for (const { name, ms } of took.toSorted((one, other) => other.ms - one.ms).slice(0, shown)) {
    yield `${Math.round(ms).toString().padStart(7)} ms  ${name}\n`;
  }
}
