import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How clients log in. The broker knows only this user. */
export type Sasl = {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
};

export type NodePorts = { readonly client: number; readonly internal: number; readonly controller: number };

type NodeSettings = {
  readonly id: number;
  readonly folder: string;
  readonly ports: readonly NodePorts[];
  readonly sasl: Sasl | undefined;
  readonly keystore: Keystore | undefined;
};

/** The `server.properties` of one node, which is broker and controller. */
export function serverProperties({ id, folder, ports, sasl, keystore }: NodeSettings): string {
  const own = ports[id]!;
  const security = `${sasl === undefined ? '' : 'SASL_'}${keystore === undefined ? 'PLAINTEXT' : 'SSL'}`;
  const copies = ports.length;
  const lines = [
    'process.roles=broker,controller',
    `node.id=${id}`,
    `log.dirs=${join(folder, 'data')}`,
    `controller.quorum.voters=${ports.map(({ controller }, node) => `${node}@127.0.0.1:${controller}`).join(',')}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=INTERNAL',
    `listener.security.protocol.map=CLIENT:${security},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    `listeners=CLIENT://127.0.0.1:${own.client},INTERNAL://127.0.0.1:${own.internal},CONTROLLER://127.0.0.1:${own.controller}`,
    'auto.create.topics.enable=false',
    `default.replication.factor=${copies}`,
    `min.insync.replicas=${copies === 1 ? 1 : 2}`,
    `offsets.topic.replication.factor=${copies}`,
    'offsets.topic.num.partitions=1',
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=1`,
    'transaction.state.log.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'log.cleaner.backoff.ms=100',
    'log.cleaner.dedupe.buffer.size=16777216',
  ];
  return [...lines, ...saslLines(sasl), ...keystoreLines(keystore), ''].join('\n');
}

function saslLines(sasl: Sasl | undefined): readonly string[] {
  if (sasl === undefined) return [];
  const login =
    sasl.mechanism === 'PLAIN'
      ? `plain.PlainLoginModule required user_${sasl.username}="${sasl.password}";`
      : 'scram.ScramLoginModule required;';
  const listener = `listener.name.client.${sasl.mechanism.toLowerCase()}.sasl.jaas.config`;
  return [`sasl.enabled.mechanisms=${sasl.mechanism}`, `${listener}=org.apache.kafka.common.security.${login}`];
}

function keystoreLines(keystore: Keystore | undefined): readonly string[] {
  if (keystore === undefined) return [];
  return [
    'listener.name.client.ssl.keystore.type=PKCS12',
    `listener.name.client.ssl.keystore.location=${keystore.path}`,
    `listener.name.client.ssl.keystore.password=${storePassword}`,
  ];
}

type Keystore = {
  readonly path: string;
  /** The certificate that clients must trust, as PEM. */
  readonly certificate: string;
};

const storePassword = 'for-tests-only';

/** A new key and self-signed certificate for 127.0.0.1, in this folder. */
export function createKeystore(folder: string): Keystore {
  const path = join(folder, 'keystore.p12');
  const certificatePath = join(folder, 'certificate.pem');
  const store = ['-alias', 'broker', '-keystore', path, '-storetype', 'PKCS12', '-storepass', storePassword];
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2'];
  const names = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1'];
  execFileSync('keytool', ['-genkeypair', ...store, ...key, ...names], { stdio: 'pipe' });
  execFileSync('keytool', ['-exportcert', '-rfc', '-file', certificatePath, ...store], { stdio: 'pipe' });
  return { path, certificate: readFileSync(certificatePath, 'utf8') };
}
