/** How others would order queries at the end of an hour, by the readers of each hour; 0 or less is not listed. */
export const peerScores: Readonly<Record<string, (hours: ReadonlyMap<number, number>, nowHour: number) => number>> = {
  'plain counts': (hours, now) => sumOf(hours, now, 24),
  'exponential decay': (hours, now) => {
    let score = 0;
    for (const [hour, readers] of hours) score += readers * 0.5 ** ((now - hour) / decayHalfLifeHours);
    return score;
  },
  'open library': (hours, now) => {
    const today = sumOf(hours, now, 24);
    if (today < fewestSearches) return 0;
    const days = Array.from({ length: 7 }, (_, day) => sumOf(hours, now - 24 * (day + 1), 24));
    const mean = days.reduce((sum, day) => sum + day, 0) / days.length;
    const variance = days.reduce((sum, day) => sum + (day - mean) ** 2, 0) / days.length;
    return (today - mean) / (Math.sqrt(variance) + 1);
  },
};

const decayHalfLifeHours = 12;
/** Of Open Library's guards: a work that few look at has no trend. */
const fewestSearches = 10;

function sumOf(hours: ReadonlyMap<number, number>, lastHour: number, length: number): number {
  let sum = 0;
  for (let hour = lastHour - length + 1; hour <= lastHour; hour++) sum += hours.get(hour) ?? 0;
  return sum;
}
