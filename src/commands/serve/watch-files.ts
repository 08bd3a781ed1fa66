import { existsSync } from 'node:fs';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';

export type WatchedFiles = {
  /** Readiness reasons. */
  readonly problems: () => readonly string[];
  readonly close: () => void;
};

const lookEveryMs = 1_000;

/**
 * Notices when files of a running service are deleted or moved away. The service goes on with what it has open, but a
 * restart would begin without them.
 * @param paths files that exist now. Others are not watched.
 */
export function watchFiles(
  paths: readonly string[],
  { logger, registry }: { readonly logger: Pick<Logger, 'error' | 'info'>; readonly registry: Registry },
): WatchedFiles {
  const watched = paths.filter((path) => existsSync(path));
  const missing = new Set<string>();
  const look = (): void => {
    for (const path of watched) {
      if (existsSync(path) === !missing.has(path)) continue;
      if (missing.delete(path)) logger.info({ path }, 'a missing file is back');
      else {
        missing.add(path);
        logger.error({ path }, 'a file of this shop is missing: put it back, or stop the shop and restore a backup');
      }
    }
  };
  const looking = setInterval(look, lookEveryMs).unref();
  new Gauge({
    name: 'samsa_files_missing',
    help: 'Files of this service that were deleted or moved away while it runs',
    registers: [registry],
    collect() {
      this.set(missing.size);
    },
  });
  return {
    problems: () => (missing.size > 0 ? ['files-missing'] : []),
    close: () => clearInterval(looking),
  };
}
