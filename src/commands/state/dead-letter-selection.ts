import type { Config } from '../../config/config.ts';
import type { DeadLetterStatus } from '../../progress/dead-letter-book.ts';
import { SamsaError } from '../../errors.ts';
import type { DeadLetterFilter } from '../../projection/dead-letters.ts';

export type FilterOptions = {
  readonly projection?: string;
  readonly cause?: string;
  readonly reason?: string;
  readonly since?: string;
  readonly until?: string;
};

/** The dead letters that a command line selects. */
export type Selection = {
  /** All projections when missing. */
  readonly projection?: string;
  readonly filter: DeadLetterFilter;
};

/** Reads a command line: one selection per id, or one without ids. @throws SamsaError `bad-request`. */
export function selectionsOf(
  { trend, recommendation }: Pick<Config, 'trend' | 'recommendation'>,
  ids: readonly string[],
  { projection, cause, reason, since, until }: FilterOptions,
  nowMs: number,
): readonly Selection[] {
  const groupIds: Readonly<Record<string, string>> = { trend: trend.groupId, recommendation: recommendation.groupId };
  const named = projection === undefined ? {} : { projection: groupIds[projection] ?? projection };
  const filter = {
    ...(cause !== undefined && { cause }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { sinceMs: timeOf('since', since, nowMs) }),
    ...(until !== undefined && { untilMs: timeOf('until', until, nowMs) }),
  };
  if (ids.length === 0) return [{ ...named, filter }];
  return ids.map((id) => {
    const { projection: meant, ...at } = parseId(id);
    if (named.projection !== undefined && named.projection !== meant) {
      throw new SamsaError('bad-request', `expected dead letters of ${named.projection}, got ${id}`);
    }
    return { projection: meant, filter: { ...filter, at } };
  });
}

/** The id of a dead letter, as commands show and accept it. */
export function idOf(letter: {
  readonly projection: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}): string {
  return `${letter.projection}/${letter.topic}/${letter.partition}/${letter.offset}`;
}

function parseId(id: string) {
  const parts = /^(.+)\/([^/]+)\/(\d{1,10})\/(\d{1,15})$/.exec(id);
  if (parts === null) {
    throw new SamsaError(
      'bad-request',
      `expected a dead letter's id, PROJECTION/TOPIC/PARTITION/OFFSET as the list shows it, got ${JSON.stringify(id)}`,
    );
  }
  return { projection: parts[1]!, topic: parts[2]!, partition: Number(parts[3]), offset: Number(parts[4]) };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const dateAndTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A date, a date with a time, or how long ago: `90m`, `24h`, `7d`. */
function timeOf(option: string, given: string, nowMs: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(given);
  if (ago !== null) return nowMs - Number(ago[1]) * unitMs[ago[2]!]!;
  const time = dateAndTime.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new SamsaError(
    'bad-request',
    `--${option}: expected a time like 2031-05-04, 2031-05-04T10:00Z, or 24h for a day ago, got ${JSON.stringify(given)}`,
  );
}

const statuses = ['waiting', 'redriven', 'discarded'] as const;

/** @returns undefined for `all`. @throws SamsaError `bad-request`. */
export function statusOf(given: string): DeadLetterStatus | undefined {
  if (given === 'all') return undefined;
  const status = statuses.find((known) => known === given);
  if (status !== undefined) return status;
  throw new SamsaError('bad-request', `--status: expected ${statuses.join(', ')} or all, got ${JSON.stringify(given)}`);
}
