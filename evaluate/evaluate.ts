const usage = `npm run evaluate -- search (--books FILE… | --made-up COUNT) [--queries FILE] [--typo-pairs FILE] [--minisearch] [--at-least SHARE]
npm run evaluate -- recommendation (--train FILE --test FILE | --stream FILE | --books FILE [--readers 20000])
npm run evaluate -- trend [--sizes 2000,20000,200000] [--seeds 5] [--days 28] [--write DIR]
npm run evaluate -- trend --events FILE [--truth FILE]`;

/** What can be evaluated. Each module is loaded only when it is asked for. */
const evaluations: Readonly<Record<string, () => Promise<{ run: (args: readonly string[]) => Promise<void> }>>> = {
  search: () => import('./search/evaluate-search.ts'),
  recommendation: () => import('./recommendation/evaluate-recommendation.ts'),
  trend: () => import('./trend/evaluate-trend.ts'),
};

const [what = '', ...args] = process.argv.slice(2);
const evaluation = evaluations[what];
if (evaluation === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await (await evaluation()).run(args);
}
