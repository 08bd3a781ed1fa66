import { readFileSync, writeFileSync } from 'node:fs';

/** What a process used, all of its threads together. */
export type ProcessUse = {
  /** Unlike the time it took, little changed by what else the machine does. */
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
};

/** To be preloaded with `--import` into the program that is measured: writes its `ProcessUse` down when it ends. */
process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  const use: ProcessUse = {
    cpuSeconds: Number(((user + system) / 1e6).toFixed(1)),
    peakRssMb: Math.round(peakRssKb() / 1_024),
  };
  writeFileSync(process.env['BENCH_USE_FILE'] ?? '', JSON.stringify(use));
});

/** On Linux the `maxRSS` of a process begins with what the one that started it had: its own stands elsewhere. */
function peakRssKb(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
