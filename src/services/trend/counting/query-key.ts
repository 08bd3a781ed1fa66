const unseen = /[\p{M}\p{Cf}]+/gu;
const gaps = /[\p{P}\p{Z}\p{Cc}]+/gu;

/**
 * What makes two spellings one query: NFKC, lower case (the simple case folding), accents and other marks stripped,
 * runs of punctuation and spaces squeezed to one space. A query of nothing but punctuation is its own key. Symbols
 * stay: "c++" is not "c". A key is its own key.
 */
export function queryKey(query: string): string {
  const folded = query.normalize('NFKC').toLowerCase().normalize('NFKC');
  const key = folded.normalize('NFD').replace(unseen, '').normalize('NFC').replace(gaps, ' ').trim();
  return key === '' ? folded.trim() : key;
}
