import type { ShownTrend, TrendRow } from './trend-rows.ts';
import type { Window } from './windows.ts';

/** A row of `GET /trends` without its time. Figures of queries that name no book are rounded down. */
export type DescribedTrend = {
  readonly query: string;
  readonly score: number;
  readonly readers: number;
  readonly searches: number;
  readonly kind: ShownTrend['kind'];
  readonly window: Window;
  readonly before: number | null;
  readonly why: string;
  readonly hourly: readonly number[];
  readonly variants: readonly { readonly query: string; readonly readers: number }[];
};

/** @param readers of all members together. */
export function describeTrend(members: TrendRow['members'], readers: number): DescribedTrend {
  const [first, ...others] = members as readonly [ShownTrend, ...ShownTrend[]];
  const { label: query, kind, window } = first;
  if (!first.namesBook) return describeRounded(first);
  const sum = (of: (member: ShownTrend) => number): number => members.reduce((all, member) => all + of(member), 0);
  const opener = members.reduce((best, member) => (member.score > best.score ? member : best));
  const before = first.before === null ? null : sum((member) => member.before ?? 0);
  const usual = first.usual === null ? null : sum((member) => member.usual ?? 0);
  return {
    query,
    score: roundScore(opener.score),
    readers,
    searches: sum((member) => member.searches),
    kind,
    window,
    before,
    why: why({ window, readers, before, usual, newSinceHour: first.newSinceHour }),
    hourly: first.hourly.map((_, index) => sum((member) => member.hourly[index] ?? 0)),
    variants: others.map((member) => ({ query: member.label, readers: member.readers })),
  };
}

function describeRounded({ label: query, kind, window, score, readers, searches }: ShownTrend): DescribedTrend {
  const rounded = roundDown(readers);
  const described = { query, kind, window, before: null, hourly: [], variants: [] };
  return {
    ...described,
    score: roundDown(score),
    readers: rounded,
    searches: roundDown(searches),
    why: `at least ${readersOf(rounded, window)}`,
  };
}

/** 1, 2, 5, 10, 20, 50, 100 and so on: who knows some of the readers cannot tell whether another one is among the rest. */
export function roundDown(value: number): number {
  if (value < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = Math.floor(value / power);
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

function roundScore(score: number): number {
  return Math.round(score * 100) / 100;
}

type Figures = Pick<ShownTrend, 'window' | 'readers' | 'before' | 'usual' | 'newSinceHour'>;

/** In words that a person understands: "14 readers in the last 3 hours, usually 1: 14 times as usual". */
export function why({ window, readers, before, usual, newSinceHour }: Figures): string {
  const counted = readersOf(readers, window);
  if (newSinceHour !== null) return `${counted}: new, since ${clockTime(newSinceHour)}`;
  if (usual === null) return before === null ? counted : `${counted}, ${before} in the ${lengths[window]} before`;
  if (usual < 0.5) return `${counted}, usually none`;
  const times = Math.floor(readers / usual);
  return `${counted}, usually ${Math.round(usual)}${times >= 2 ? `: ${times} times as usual` : ''}`;
}

const lengths = { '3h': '3 hours', '24h': '24 hours', '7d': '7 days', '30d': '30 days' } as const;

function readersOf(readers: number, window: Window): string {
  const counted = window === '7d' || window === '30d' ? ', counted once an hour,' : '';
  return `${readers} ${readers === 1 ? 'reader' : 'readers'}${counted} in the last ${lengths[window]}`;
}

function clockTime(hour: number): string {
  return `${String(hour % 24).padStart(2, '0')}:00 UTC`;
}
