import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Consumer, FetchOptions, RecordsBatch } from '@platformatic/kafka';
import type { AbortedTransaction } from './records.ts';

/** Where one partition is to be read from. */
export type Wanted = { readonly topicId: string; readonly partition: number; readonly from: number };

/** What the node has from there on. `batches` is empty when nothing came during the wait. */
export type Fetched = {
  readonly batches: readonly RecordsBatch[];
  /** The aborted transactions in it. */
  readonly aborted: readonly AbortedTransaction[];
  readonly start: number;
  readonly end: number;
};

export type KafkaFetcher = {
  /**
   * Asks the node that leads the partition.
   * @throws FetchRefused when the node answered with an error for this partition; else the error of the client.
   */
  readonly fetch: (node: number, wanted: Wanted) => Promise<Fetched>;
};

/** A node's error for one partition; `apiId` is Kafka's name for it. */
export class FetchRefused extends Error {
  readonly apiId: string;

  constructor(apiId: string) {
    super(apiId);
    this.apiId = apiId;
  }
}

type Asked = Wanted & {
  readonly resolve: (fetched: Fetched) => void;
  readonly reject: (error: unknown) => void;
};
type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type Partition = FetchResponse['responses'][number]['partitions'][number];
type Fetching = Pick<Consumer, 'fetch' | 'clearMetadata'>;

const mostBytes = 4 << 20;
const mostBytesOfPartition = 2 << 20;

/**
 * Fetches for many reads with one request at a time to each node. Reads that come meanwhile are in the next request. A
 * node answers as soon as it has something for one of them, or after `waitMs`.
 */
export function createKafkaFetcher(consumer: Fetching, waitMs: number): KafkaFetcher {
  const nodes = new Map<number, ReturnType<typeof createNode>>();
  return {
    fetch: (number, wanted) => nodes.getOrInsertComputed(number, () => createNode(consumer, number, waitMs))(wanted),
  };
}

function createNode(consumer: Fetching, node: number, waitMs: number): (wanted: Wanted) => Promise<Fetched> {
  let asked: Asked[] = [];
  let isFetching = false;
  /** Nodes leave out of an answer what has not changed since their previous answer. */
  const ends = new Map<string, { readonly start: number; readonly end: number }>();

  const answer = (one: Asked, partition: Partition | undefined): void => {
    if (partition !== undefined) {
      ends.set(nameOf(one), { start: Number(partition.logStartOffset), end: Number(partition.lastStableOffset) });
    }
    const known = ends.get(nameOf(one));
    if (known === undefined) return one.reject(new Error('the broker answered without the partition asked for'));
    one.resolve({ batches: partition?.records ?? [], aborted: partition?.abortedTransactions ?? [], ...known });
  };

  const fetchBatch = async (): Promise<void> => {
    const batch = oneOffsetPerPartition(asked);
    const others = asked.filter((one) => !batch.includes(one));
    try {
      const answered = await consumer.fetch(request(node, batch, others.length > 0 ? 0 : waitMs));
      asked = asked.filter((one) => !batch.includes(one));
      for (const one of batch) answer(one, partitionIn(answered, one));
    } catch (error) {
      consumer.clearMetadata();
      const refused = refusedIn(error, batch);
      // One partition's error fails the whole answer: the other partitions are asked for again.
      const failed = refused.size > 0 ? [...refused.keys()] : batch;
      asked = asked.filter((one) => !failed.includes(one));
      for (const one of failed) one.reject(refused.get(one) ?? error);
    }
  };

  const fetchAll = async (): Promise<void> => {
    while (asked.length > 0) {
      await eventLoopTurn();
      await fetchBatch();
    }
    isFetching = false;
  };

  return (wanted) =>
    new Promise((resolve, reject) => {
      asked.push({ ...wanted, resolve, reject });
      if (isFetching) return;
      isFetching = true;
      void fetchAll();
    });
}

function nameOf({ topicId, partition }: Wanted): string {
  return `${topicId} ${partition}`;
}

/** A request names each partition once. Reads of another offset are in the next request, and this one does not wait. */
function oneOffsetPerPartition(asked: readonly Asked[]): readonly Asked[] {
  const offsets = new Map<string, number>();
  return asked.filter((one) => {
    const name = nameOf(one);
    if (!offsets.has(name)) offsets.set(name, one.from);
    return offsets.get(name) === one.from;
  });
}

function request(
  node: number,
  batch: readonly Asked[],
  maxWaitTime: number,
): FetchOptions<Buffer, Buffer, Buffer, Buffer> {
  const topics = Map.groupBy(batch, ({ topicId }) => topicId);
  return {
    node,
    maxWaitTime,
    minBytes: 1,
    maxBytes: mostBytes,
    topics: [...topics].map(([topicId, wanted]) => ({
      topicId,
      partitions: [...new Map(wanted.map(({ partition, from }) => [partition, from]))].map(([partition, from]) => ({
        partition,
        fetchOffset: BigInt(from),
        partitionMaxBytes: mostBytesOfPartition,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      })),
    })),
  };
}

/** An answer may name a topic several times. */
function partitionIn(response: FetchResponse, { topicId, partition }: Wanted): Partition | undefined {
  for (const topic of response.responses) {
    if (topic.topicId !== topicId) continue;
    const found = topic.partitions.find(({ partitionIndex }) => partitionIndex === partition);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The errors of single partitions: each names its place in the response that the error carries. */
function refusedIn(error: unknown, batch: readonly Asked[]): ReadonlyMap<Asked, FetchRefused> {
  const refused = new Map<Asked, FetchRefused>();
  for (const { response, errors } of failedResponses(error)) {
    for (const { path, apiId } of errors) {
      const [, topic, partition] = /^\/responses\/(\d+)\/partitions\/(\d+)$/.exec(path ?? '') ?? [];
      const topicId = response.responses[Number(topic)]?.topicId;
      const number = response.responses[Number(topic)]?.partitions[Number(partition)]?.partitionIndex;
      for (const one of batch) {
        if (one.topicId === topicId && one.partition === number) refused.set(one, new FetchRefused(apiId ?? 'UNKNOWN'));
      }
    }
  }
  return refused;
}

type FailedResponse = {
  readonly response: FetchResponse;
  readonly errors: readonly { readonly path?: string; readonly apiId?: string }[];
};

/** Only the last attempt counts: an earlier one may have failed for another reason. */
function failedResponses(error: unknown): readonly FailedResponse[] {
  if (!(error instanceof AggregateError)) return [];
  const own = 'response' in error && error.response ? [error as unknown as FailedResponse] : [];
  return [...own, ...error.errors.flatMap(failedResponses)].slice(-1);
}
