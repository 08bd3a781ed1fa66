import assert from 'node:assert/strict';
import { hourMs } from '../../src/runtime/time.ts';
import type { Shop } from './start-shop.ts';
import { until } from './until.ts';

type Question = readonly ['web' | 'trend' | 'recommendation', string];

type AnswerAlikeOptions = {
  readonly headers: Readonly<Record<string, string>>;
  /** Ids of readers who did something with a book. */
  readonly readers: readonly string[];
  readonly withinMs: number;
};

/**
 * Asks two shops the same: every list of trends, the history of queries, what readers might like, and what searches
 * find. Waits until they agree byte for byte but for `as_of`. Searches come last, as each is an event.
 * @returns how many answers were compared, and how many of them are neither empty nor 404.
 * @throws Error with the first difference.
 */
export async function answerAlike(one: Shop, other: Shop, options: AnswerAlikeOptions) {
  const questions = everyQuestion(options.readers);
  let difference = '';
  let filled = 0;
  const agree = async (): Promise<boolean> => {
    const hour = Math.floor(Date.now() / hourMs);
    filled = 0;
    for (const [service, path] of questions) {
      const ask = (shop: Shop): Promise<string> => answer(shop[service] + path, options.headers);
      const [first, second] = await Promise.all([ask(one), ask(other)]);
      difference = first === second ? '' : `${service}${path}: ${describeDifference(first, second)}`;
      if (difference !== '') return false;
      if (first !== '200 []' && first.startsWith('200')) filled++;
    }
    return hour === Math.floor(Date.now() / hourMs);
  };
  await until('both shops answer the same', agree, options.withinMs).catch((error: unknown) => {
    throw new Error(difference, { cause: error });
  });
  assert.ok(filled > questions.length / 2, `only ${filled} of ${questions.length} answers are not empty`);
  return { asked: questions.length, filled };
}

function everyQuestion(readers: readonly string[]): readonly Question[] {
  const numbers = Array.from({ length: 40 }, (_, number) => number);
  const windows = ['', '&window=3h', '&window=24h', '&window=7d', '&window=30d'];
  const queries = ['volume', 'author 7', 'holmes', 'alice wonderland', 'pride prejudise'];
  const uids = [...readers, ...numbers.map((number) => `reader-${number}`)];
  return [
    ...windows.map((window): Question => ['trend', `/trends?ps=100${window}`]),
    ...numbers.map((number): Question => ['trend', `/trends/volume%20${number}`]),
    ...uids.map((uid): Question => ['recommendation', `/recommendations?uid=${uid}`]),
    ...numbers.map((number): Question => ['recommendation', `/related?book_id=${number + 1}`]),
    ...numbers.map((number): Question => ['web', `/api/books/${number + 1}`]),
    ...[0, 10, 100].map((from): Question => ['web', `/api/books?o=${from}`]),
    ...queries.map((query): Question => ['web', `/api/books?q=${encodeURIComponent(query)}`]),
    ...numbers.map((number): Question => ['web', `/api/books?q=volume%20${number}`]),
  ];
}

/** Status and body, without the time of the answer. */
async function answer(url: string, headers: AnswerAlikeOptions['headers']): Promise<string> {
  const response = await fetch(url, { headers });
  return `${response.status} ${(await response.text()).replaceAll(/"as_of":"[^"]*"/g, '')}`;
}

function describeDifference(first: string, second: string): string {
  let at = 0;
  while (first[at] === second[at]) at++;
  return [first, second].map((text) => text.slice(Math.max(0, at - 100), at + 200)).join('\nagainst ');
}
