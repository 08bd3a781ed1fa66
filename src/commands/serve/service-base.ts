import { readFileSync } from 'node:fs';
import { destination, pino, type Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/config.ts';
import { readOrMakeSecret } from '../../runtime/data-folder.ts';
import type { SamsaError } from '../../errors.ts';
import { createRegistry } from '../../http/monitoring.ts';
import { createReaderSigner, type ReaderSigner } from '../../http/signed-reader.ts';
import { instanceName } from '../../projection/instance.ts';

type SayProblem = (problem: SamsaError | null) => void;

/** What every service of a process is made with. */
export type ServiceBase = {
  readonly version: string;
  /** No two processes or threads ever share it. */
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly secret: string;
  readonly signer: ReaderSigner;
  /** As `onProblem` of `openLog`, of `openSpooledLog` and of whatever opens a database. */
  readonly sayLogProblem: SayProblem;
  readonly saySpoolProblem: SayProblem;
  readonly sayStoreProblem: SayProblem;
};

export function createServiceBase(service: string, config: Config): ServiceBase {
  const secret = config.app.secret ?? readOrMakeSecret(config.data);
  const logger = createServiceLogger(service, config);
  return {
    version: packageVersion(),
    instance: instanceName(service),
    clock: Date.now,
    logger,
    registry: createRegistry(),
    secret,
    signer: createReaderSigner(secret),
    sayLogProblem: createSayLogProblem(logger),
    saySpoolProblem: sayOf(logger, 'what waited here has reached the event log', 'what readers do waits on this disk'),
    sayStoreProblem: sayOf(logger, 'the database is reached', 'the database is not reached yet, and tried again'),
  };
}

export function createServiceLogger(service: string, { log }: Config): Logger {
  return pino({ level: log.level, base: { service } }, destination({ fd: 2, sync: true }));
}

export function createSayLogProblem(logger: Logger): SayProblem {
  return sayOf(logger, 'the event log is reached', 'the event log is not reached yet, and tried again');
}

function sayOf(logger: Logger, over: string, trouble: string): SayProblem {
  return (problem) => {
    if (problem === null) logger.info(over);
    else logger.error({ code: problem.code }, `${trouble}: ${problem.message}`);
  };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `app.rate_limit`: 600 a minute and client unless set, and none where only this machine can ask. */
export function rateLimitOf({ app }: Config, host: string): number {
  return app.rateLimit ?? (isLoopback(host) ? 0 : 600);
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
