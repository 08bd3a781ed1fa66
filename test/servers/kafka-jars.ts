import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../support/structure.ts';

const pom = join(import.meta.dirname, 'kafka-jars.pom.xml');
const cache = join(projectFolder, '.cache');
let fetched: Promise<string> | null = null;

/**
 * The folder with a broker's jars. Maven fetches them once for each version of the pom.
 * @throws Error with Maven's output.
 */
export function kafkaJars(): Promise<string> {
  fetched ??= fetchJars();
  return fetched;
}

async function fetchJars(): Promise<string> {
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
