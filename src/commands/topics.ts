import { openDataFolder } from './data-folder.ts';
import { topicRetention, type TopicNames } from '../events/topics.ts';
import type { TopicFacts } from '../log/log.ts';
import { openLog, openTopicFacts, type LogLocation } from '../log/open-log.ts';
import { dayMs } from '../runtime/time.ts';
import type { CommandContext } from './command-context.ts';
import { logLocation } from './state/shop-locations.ts';

/**
 * Creates the shop's topics that are missing and shows how each one is kept. Warns about topics with settings that lose
 * events.
 * @returns 0 when every topic is kept as long as the services need, else 1.
 */
export async function topicsCommand(
  { config, print, warn }: CommandContext,
  options: { readonly json?: boolean },
): Promise<number> {
  const location = logLocation(config);
  if (location.kind === 'sqlite') openDataFolder(config.data);
  const topics = await makeAndLook(location);
  if (options.json === true) print(JSON.stringify(topics, null, 2));
  else {
    print(row('topic', 'partitions', 'copies', 'kept', ''));
    for (const { topic, partitions, replication, made, ...kept } of topics) {
      print(row(topic, String(partitions), String(replication ?? 1), describeKept(kept), made ? 'made now' : ''));
    }
  }
  for (const { topic, problems } of topics) for (const problem of problems) warn(`${topic}: ${problem}`);
  return topics.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

async function makeAndLook(location: LogLocation) {
  const facts = await openTopicFacts(location);
  const look = () => Promise.all(roles.map((role) => facts.of(location.topics[role])));
  try {
    const before = await look();
    const log = await openLog(location, { clock: Date.now, busyTimeoutMs: 1_000 });
    await log.close();
    const after = await look();
    return roles.map((role, index) => {
      const found = after[index]!;
      const made = before[index] === null;
      return { role, topic: location.topics[role], ...found, made, problems: problemsOf(role, found) };
    });
  } finally {
    await facts.close();
  }
}

const roles = ['searches', 'actions', 'changes', 'operator'] as const satisfies readonly (keyof TopicNames)[];

/** Settings that would make the services' answers wrong, and what to do. */
function problemsOf(role: keyof TopicNames, { retentionMs, compacted }: TopicFacts): readonly string[] {
  const wanted = topicRetention[role];
  const problems: string[] = [];
  if (compacted && !wanted.compacted) {
    problems.push('expected every event to be kept, but cleanup.policy has compact: set it to delete');
  }
  const isShorter = retentionMs !== 0 && (wanted.retentionMs === 0 || retentionMs < wanted.retentionMs);
  if (isShorter) {
    const least = wanted.retentionMs === 0 ? 'for ever' : `for ${wanted.retentionMs / dayMs} days`;
    problems.push(
      `expected events to be kept ${least}, but retention.ms is ${retentionMs}: what expires before it is read is lost`,
    );
  }
  return problems;
}

function describeKept({ retentionMs, compacted }: Pick<TopicFacts, 'retentionMs' | 'compacted'>): string {
  const period = retentionMs === 0 ? 'for ever' : `${Math.round((retentionMs / dayMs) * 10) / 10} days`;
  return compacted ? `the last of each key, ${period}` : period;
}

function row(topic: string, partitions: string, copies: string, kept: string, note: string): string {
  return `${topic.padEnd(26)}${partitions.padStart(10)}${copies.padStart(8)}  ${kept.padEnd(32)}${note}`.trimEnd();
}
