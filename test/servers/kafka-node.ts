import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { kafkaJars } from './kafka-jars.ts';

/** One broker process. */
export type KafkaNode = {
  readonly start: () => Promise<void>;
  /** SIGKILL; resolves when the process has ended. Does nothing if it is not running. */
  readonly kill: () => Promise<void>;
  /** SIGTERM: hands its partitions to other nodes; resolves when the process has ended. */
  readonly shutDown: () => Promise<void>;
  /** SIGSTOP: connections stay open, but nothing answers. */
  readonly freeze: () => void;
  /** SIGCONT. */
  readonly thaw: () => void;
  readonly running: () => boolean;
  /** The last lines that it printed. */
  readonly output: () => string;
};

const heap = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const rememberedCharacters = 20_000;

export function createKafkaNode(settingsPath: string): KafkaNode {
  let child: ChildProcess | null = null;
  let ended: Promise<unknown> = Promise.resolve();
  let output = '';

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child?.kill(signal);
    await ended;
  };

  return {
    start: async () => {
      const args = [...heap, '-cp', join(await kafkaJars(), '*'), 'kafka.Kafka', settingsPath];
      const started = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const guard = endWithThisProcess(started);
      child = started;
      for (const stream of [started.stdout, started.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-rememberedCharacters);
        });
      }
      ended = once(started, 'close').then(() => {
        guard.dismiss();
        child = null;
      });
    },
    kill: () => end('SIGKILL'),
    shutDown: () => end('SIGTERM'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    running: () => child !== null,
    output: () => output,
  };
}

/** Ends the broker when the test process is killed: the guard's standard input ends with that process. */
function endWithThisProcess(broker: ChildProcess): { readonly dismiss: () => void } {
  const guard = spawn('sh', ['-c', `cat; kill -9 ${broker.pid} 2>/dev/null`], { stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  return {
    dismiss: () => {
      guard.once('exit', () => guard.stdin.destroy());
      guard.kill();
    },
  };
}
