/** The readers of one query in each hour of the last days; hours further back are not kept. */
export type ReadersByHour = { readonly at: (hour: number) => number };

/** Nine days: Open Library's score compares a day with the seven before. */
export const keptHours = 9 * 24;

/** How others would order queries at the end of an hour, by the readers of each hour; 0 or less is not listed. */
export const peerScores: Readonly<Record<string, (readers: ReadersByHour, nowHour: number) => number>> = {
  'plain counts': (readers, now) => sumOf(readers, now, 24),
  'exponential decay': (readers, now) => {
    let score = 0;
    for (let hour = now - keptHours + 1; hour <= now; hour++) score = score * decayAnHour + readers.at(hour);
    return score;
  },
  /** `compute_trending_z_score` of `scripts/solr_updater/trending_updater_hourly.py`, with both of its guards. */
  'open library': (readers, now) => {
    const today = sumOf(readers, now, 24);
    const past = Array.from({ length: 7 }, (_, day) => sumOf(readers, now - 24 * (day + 1), 24));
    const pastSum = past.reduce((sum, day) => sum + day, 0);
    if (pastSum + today < 30 || pastSum < 8) return 0;
    const mean = pastSum / past.length;
    const variance = past.reduce((sum, day) => sum + (day - mean) ** 2, 0) / past.length;
    return (today - mean) / (Math.sqrt(variance) + 1);
  },
};

/** Readers count half after twelve hours. */
const decayAnHour = 0.5 ** (1 / 12);

function sumOf(readers: ReadersByHour, lastHour: number, length: number): number {
  let sum = 0;
  for (let hour = lastHour - length + 1; hour <= lastHour; hour++) sum += readers.at(hour);
  return sum;
}
