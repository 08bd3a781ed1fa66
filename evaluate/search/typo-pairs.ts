import { readFileSync } from 'node:fs';
import { editDistance } from '../../src/services/web/search/query/edit-distance.ts';
import { foldText } from '../../src/text/words.ts';

type CorrectedShare = { readonly edits: number; readonly pairs: number; readonly right: number };

/** Rows `noisy<TAB>intended`: how many of the noisy words are corrected to the intended one, by how far they are apart. */
export function correctedShares(file: string, correct: (word: string) => string | null): readonly CorrectedShare[] {
  const shares = new Map<number, { pairs: number; right: number }>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [noisy = '', intended = ''] = line.split('\t').map((word) => foldText(word.trim()));
    if (noisy === '' || intended === '') continue;
    const edits = editDistance(noisy, intended);
    const share = shares.get(edits) ?? { pairs: 0, right: 0 };
    share.pairs++;
    if (correct(noisy) === intended) share.right++;
    shares.set(edits, share);
  }
  return [...shares]
    .sort(([one], [other]) => one - other)
    .map(([edits, { pairs, right }]) => ({ edits, pairs, right: Number((right / pairs).toFixed(3)) }));
}
