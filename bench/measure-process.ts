import { readFileSync, writeFileSync } from 'node:fs';

/** What a process used, all of its threads together. */
export type ProcessUse = {
  /** Depends less on what else the machine does than elapsed time. */
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
};

/** Preload with `--import` into the measured program: it writes its `ProcessUse` to a file when it ends. */
process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  const use: ProcessUse = {
    cpuSeconds: Number(((user + system) / 1e6).toFixed(1)),
    peakRssMb: Math.round(peakRssKb() / 1_024),
  };
  writeFileSync(process.env['BENCH_USE_FILE'] ?? '', JSON.stringify(use));
});

/** On Linux `maxRSS` starts with the value of the parent process, so the peak is read from `/proc`. */
function peakRssKb(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
