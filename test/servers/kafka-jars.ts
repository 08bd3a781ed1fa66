import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../support/structure.ts';

const brokerPom = join(import.meta.dirname, 'kafka-jars.pom.xml');
const cache = join(projectFolder, '.cache');
const fetched = new Map<string, Promise<string>>();

/**
 * The folder with the jars of a pom: a broker's, unless another one is given. Maven fetches them once for each version
 * of the pom.
 * @throws Error with Maven's output.
 */
export function kafkaJars(pom = brokerPom): Promise<string> {
  const known = fetched.get(pom) ?? fetchJars(pom);
  fetched.set(pom, known);
  return known;
}

async function fetchJars(pom: string): Promise<string> {
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const folder = join(cache, `kafka-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, 'unfinished-'));
  try {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    await promisify(execFile)('mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal], { timeout: 300_000 });
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } catch (error) {
    const said = (error as { stdout?: string }).stdout ?? '';
    throw new Error(`tests with a Kafka broker need Java 17 and Maven, and Maven Central once:\n${said}`, {
      cause: error,
    });
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
