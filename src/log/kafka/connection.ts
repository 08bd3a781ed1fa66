import { isIP } from 'node:net';
import type { Admin, BaseOptions, Consumer, Producer } from '@platformatic/kafka';
import { SamsaError } from '../../errors.ts';
import { within } from '../../runtime/waiting.ts';

export type KafkaConnection = {
  /** `host:port` of some brokers of the cluster; they name the others. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
  /**
   * Encrypts when given; all as PEM. `ca`: trusted instead of the system's authorities. `cert` and `key`: for brokers
   * that ask for a client certificate.
   */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

/** Options of every client of the cluster. @throws SamsaError `bad-configuration`. */
export function clientOptions({ brokers, clientId, sasl, tls }: KafkaConnection): BaseOptions {
  for (const broker of brokers) refuseBadAddress(broker);
  if (brokers.length === 0)
    throw new SamsaError('bad-configuration', 'expected the address of a Kafka broker, got none');
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: 2_000,
    requestTimeout: 6_000,
    timeout: 5_000,
    retries: 1,
    retryDelay: 200,
    metadataMaxAge: 30_000,
    ...(sasl && { sasl: { ...sasl } }),
    ...(tls && { tls: { ...tls }, tlsServerName: brokers.every((broker) => isIP(hostOf(broker)) === 0) }),
  };
}

function refuseBadAddress(broker: string): void {
  const port = Number(/:(\d{1,5})$/.exec(broker)?.[1] ?? 0);
  if (port >= 1 && port <= 65_535 && hostOf(broker) !== '') return;
  throw new SamsaError(
    'bad-configuration',
    `expected the address of a Kafka broker as host:port, got ${JSON.stringify(broker)}`,
  );
}

function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

type Client = Admin | Consumer | Producer<never, never, never, never>;

/** A connection that breaks between two requests emits `error`, which would end the process without a listener. */
export function ignoreConnectionErrors(client: Pick<Client, 'connections'>): void {
  client.connections.on(
    'connecting',
    ({ connection }: { connection: { on: (name: 'error', hear: () => void) => void } }) =>
      connection.on('error', () => {}),
  );
}

/** Closes a client, even when its broker no longer answers: the client's own `close` would wait for it for ever. */
export async function closeClient(client: Pick<Client, 'connections' | 'close'>, withinMs: number): Promise<void> {
  const connections = [...client.connections];
  await within(
    withinMs,
    client.close().catch(() => {}),
  );
  for (const [, connection] of connections) connection.socket?.destroy();
}
