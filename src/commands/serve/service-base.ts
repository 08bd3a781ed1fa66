import { destination, pino, type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { Config } from '../../config/config.ts';
import { readOrMakeSecret } from '../data-folder.ts';
import { fileIdentity } from '../../runtime/files.ts';
import { packageVersion } from '../command-context.ts';
import type { SamsaError } from '../../errors.ts';
import { createAccess, type Access } from '../../http/access.ts';
import { createRegistry } from '../../http/server.ts';
import { createReaderSigner, type ReaderSigner } from '../../http/signed-reader.ts';
import { instanceName } from '../../projection/instance-name.ts';
import { isLocal } from './exposure.ts';

/** A service that listens. */
export type RunningService = {
  readonly url: string;
  /** Resolves with the reason when the service can no longer work. Without it, that does not happen. */
  readonly failed?: Promise<Error>;
  readonly close: () => Promise<void>;
};

type SayProblem = (problem: SamsaError | null) => void;

/** What every service needs. */
export type ServiceBase = {
  readonly version: string;
  /** Unique to this process and thread. */
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly secret: string;
  readonly signer: ReaderSigner;
  readonly access: Access;
  /** For `onProblem` of `openLog`, `openSpooledLog` and of everything that opens a database. */
  readonly sayLogProblem: SayProblem;
  readonly saySpoolProblem: SayProblem;
  readonly sayStoreProblem: SayProblem;
};

/** @param becamePublic as `AccessOptions.becamePublic`. */
export function createServiceBase(service: string, config: Config, becamePublic: Int32Array): ServiceBase {
  const logger = createServiceLogger(service, config);
  const sayLost = (): void =>
    logger.error('the file secret of this shop was missing: a new one was made, and every reader gets a new id');
  const secret = config.app.secret ?? readOrMakeSecret(config.data, sayLost);
  return {
    version: packageVersion(),
    instance: instanceName(service),
    clock: Date.now,
    logger,
    registry: createRegistry(),
    secret,
    signer: createReaderSigner(secret, Date.now),
    access: createAccess({
      operatorToken: config.app.operatorToken,
      trustProxy: config.app.trustProxy,
      isLocal: isLocal(config),
      secret,
      logger,
      nowMs: () => performance.now(),
      becamePublic,
    }),
    sayLogProblem: createSayLogProblem(logger),
    saySpoolProblem: sayOf(logger, 'waiting events have reached the event log', 'events wait on this disk'),
    sayStoreProblem: sayOf(logger, 'the database answers', 'the database does not answer yet; trying again'),
  };
}

/** How much of the log is kept while it cannot be written, as on a full disk. Further lines are lost. */
const mostLoggedBytes = 1 << 20;

export function createServiceLogger(service: string, { log }: Config): Logger {
  const lines = destination({ fd: 2, sync: true, maxLength: mostLoggedBytes });
  lines.on('error', () => {});
  return pino({ level: log.level, base: { service } }, lines);
}

export function createSayLogProblem(logger: Logger): SayProblem {
  return sayOf(logger, 'the event log answers', 'the event log does not answer yet; trying again');
}

function sayOf(logger: Logger, over: string, trouble: string): SayProblem {
  return (problem) => {
    if (problem === null) logger.info(over);
    else logger.error({ code: problem.code }, `${trouble}: ${problem.message}`);
  };
}

type WatchedFiles = {
  /** Readiness reasons. */
  readonly problems: () => readonly string[];
  readonly close: () => void;
};

const lookEveryMs = 1_000;

/**
 * Notices when files of a running service are deleted, moved away or replaced. The service still uses the files it has
 * open, but after a restart their data would be missing.
 * @param paths files that exist now. Others are not watched.
 * @param rebuilt those that the service itself may delete and write again: any file in their place is right.
 */
export function watchFiles(
  paths: readonly string[],
  {
    logger,
    registry,
    rebuilt = [],
  }: {
    readonly logger: Pick<Logger, 'error' | 'info'>;
    readonly registry: Registry;
    readonly rebuilt?: readonly string[];
  },
): WatchedFiles {
  const opened = new Map<string, string>();
  for (const path of paths) {
    const identity = fileIdentity(path);
    if (identity !== null) opened.set(path, identity);
  }
  const missing = new Set<string>();
  const look = (): void => {
    for (const [path, identity] of opened) {
      const found = fileIdentity(path);
      const isThere = found === identity || (found !== null && rebuilt.includes(path));
      if (isThere === !missing.has(path)) continue;
      if (missing.delete(path)) logger.info({ path }, 'a missing file is back');
      else {
        missing.add(path);
        logger.error({ path }, found === null ? deleted : replaced);
      }
    }
  };
  const looking = setInterval(look, lookEveryMs).unref();
  new Gauge({
    name: 'samsa_files_missing',
    help: 'Files of this service that were deleted, moved away or replaced while it runs',
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

const deleted =
  'a file of this shop is missing: move the same file back, or stop the shop and restore a backup. A copy in its place would not be used until the shop starts again';
const replaced =
  'a file of this shop was replaced while it runs: the shop still uses the old one, and what it stores there is lost when it stops. Move the old file back, or stop the shop now';
