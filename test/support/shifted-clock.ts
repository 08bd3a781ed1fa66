import { readFileSync } from 'node:fs';

/**
 * Preloaded into a process and its threads (`node --import`): shifts the wall clock by the milliseconds that a file holds,
 * whenever the file changes. The monotonic clock stays as it is, as when somebody sets the clock of a machine.
 */
const file = process.env['TEST_CLOCK_SHIFT']!;
const RealDate = Date;
let shiftMs = 0;

const look = (): void => {
  shiftMs = Number(readFileSync(file, 'utf8'));
};
look();
setInterval(look, 20).unref();

globalThis.Date = class extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
} as DateConstructor;
