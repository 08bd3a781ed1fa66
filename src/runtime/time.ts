/** In milliseconds. Hours and days are counted from 1970, UTC. */
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
