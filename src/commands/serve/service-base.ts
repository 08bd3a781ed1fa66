import { destination, pino, type Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/config.ts';
import { readOrMakeSecret } from '../../runtime/data-folder.ts';
import { packageVersion } from '../command-context.ts';
import type { SamsaError } from '../../errors.ts';
import { createAccess, type Access } from '../../http/access.ts';
import { createRegistry } from '../../http/server.ts';
import { createReaderSigner, type ReaderSigner } from '../../http/signed-reader.ts';
import { instanceName } from '../../projection/instance.ts';
import { isLocal } from './exposure.ts';

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

/** @param closed as `AccessOptions.closed`. */
export function createServiceBase(service: string, config: Config, closed: Int32Array): ServiceBase {
  const secret = config.app.secret ?? readOrMakeSecret(config.data);
  const logger = createServiceLogger(service, config);
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
      closed,
    }),
    sayLogProblem: createSayLogProblem(logger),
    saySpoolProblem: sayOf(logger, 'waiting events have reached the event log', 'events wait on this disk'),
    sayStoreProblem: sayOf(logger, 'the database answers', 'the database does not answer yet; trying again'),
  };
}

export function createServiceLogger(service: string, { log }: Config): Logger {
  return pino({ level: log.level, base: { service } }, destination({ fd: 2, sync: true }));
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
