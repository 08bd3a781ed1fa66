/**
 * A book's rowid in the index. A more popular book has a smaller one, so that matches are read most popular first
 * without sorting. Below 2^52, so it is exact as a number.
 */
export function placeOf(bookId: number, popularity: number): number {
  return (lastBucket - popularityBucket(popularity)) * bucketSize + bookId;
}

export function bookAt(place: number): number {
  return place - Math.floor(place / bucketSize) * bucketSize;
}

/** log₂(1 + popularity) of the book at a place, to a sixteenth. */
export function popularityPointsAt(place: number): number {
  return (lastBucket - Math.floor(place / bucketSize)) / 16;
}

/** The first place in the bucket of this place: books of nearly the same popularity, `bucketSize` places. */
export function bucketStart(place: number): number {
  return Math.floor(place / bucketSize) * bucketSize;
}

/** Sixteen steps per doubling: a book moves only when its readers have grown by about 4 %. */
function popularityBucket(popularity: number): number {
  return Math.min(lastBucket, Math.floor(16 * Math.log2(1 + popularity)));
}

export const bucketSize = 2 ** 32;
const lastBucket = 2 ** 20 - 1;

/** Greater ids have no place. */
export const largestBookId = bucketSize - 1;
