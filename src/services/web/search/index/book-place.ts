/**
 * A book's rowid in the full-text index: the more popular the book, the smaller, so that matches come most popular
 * first without sorting. Below 2^52, exact as a number.
 */
export function placeOf(bookId: number, popularity: number): number {
  return (lastBucket - popularityBucket(popularity)) * idsPerBucket + bookId;
}

export function bookAt(place: number): number {
  return place - Math.floor(place / idsPerBucket) * idsPerBucket;
}

/** Sixteen steps per doubling: a book moves only when its readers have grown by about 4 %. */
export function popularityBucket(popularity: number): number {
  return Math.min(lastBucket, Math.floor(16 * Math.log2(1 + popularity)));
}

const idsPerBucket = 2 ** 32;
const lastBucket = 2 ** 20 - 1;

/** Ids above have no place. */
export const largestBookId = idsPerBucket - 1;
