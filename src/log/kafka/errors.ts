import { reason, SamsaError } from '../../errors.ts';

/** Kafka's names of the errors that are handled differently. */
const refusedAccess = [
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
];
const refusedRecord = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
  'CORRUPT_MESSAGE',
];

/** An error with its causes and parts, outermost first: the client hides the useful one deep inside. */
function* causesOf(error: unknown, depth = 0): Generator<Error> {
  if (!(error instanceof Error) || depth > 10) return;
  yield error;
  yield* causesOf(error.cause, depth + 1);
  if (error instanceof AggregateError) for (const one of error.errors) yield* causesOf(one, depth + 1);
}

/** Whether a broker gave one of these error names. */
export function hasBrokerError(error: unknown, names: readonly string[]): boolean {
  return [...causesOf(error)].some((one) => 'apiId' in one && names.includes(String(one.apiId)));
}

/** Whether the log refused a record for its content or size: the same record fails again, others may be accepted. */
export function isRefusedRecord(error: unknown): error is SamsaError {
  return error instanceof SamsaError && error.code === 'bad-event';
}

/**
 * Translates a failed request of the client for users of the log: `bad-event` for a refused record; `log-unavailable`,
 * retryable unless brokers refuse the user, the password, the access or the encryption.
 */
export function kafkaError(brokers: readonly string[], error: unknown): SamsaError {
  const all = [...causesOf(error)];
  const own = all.find((one) => one instanceof SamsaError);
  if (own !== undefined) return own;
  const where = `Kafka at ${brokers.join(', ')}`;
  const because = (all.at(-1)?.message || reason(error)).replace(/\.$/, '');
  const unknownTopic = all.map(({ message }) => /^Unknown topic (.+)\.$/.exec(message)?.[1]).find(Boolean);
  if (unknownTopic !== undefined) return topicUnknown(brokers, unknownTopic);
  if (all.some(({ message }) => message.includes('SASL authentication failed'))) {
    return new SamsaError('log-unavailable', `${where} refused the user name or password. Check both.`, {
      cause: error,
    });
  }
  if (hasBrokerError(error, refusedAccess)) {
    const grant = 'Grant the user DESCRIBE, READ and WRITE on the topics of the shop, and CREATE where one is missing.';
    return new SamsaError('log-unavailable', `${where} refused access: ${because} ${grant}`, { cause: error });
  }
  if (all.some(isAboutEncryption)) {
    return new SamsaError('log-unavailable', `${where}: no encrypted connection as configured: ${because}`, {
      cause: error,
    });
  }
  if (hasBrokerError(error, refusedRecord) || all.some((one) => one instanceof TypeError)) {
    return new SamsaError('bad-event', `${where} refused a record: ${because}`, { cause: error });
  }
  return new SamsaError('log-unavailable', `${where} does not answer as expected: ${because}. Trying again may help.`, {
    cause: error,
    retryable: true,
  });
}

export function topicUnknown(brokers: readonly string[], topic: string): SamsaError {
  return new SamsaError('topic-unknown', `Kafka at ${brokers.join(', ')} has no topic ${topic}. Create it first.`);
}

function isAboutEncryption(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return /requires TLS|TLS handshake failed/.test(error.message) || /CERT|^ERR_TLS|^ERR_SSL/.test(code);
}
