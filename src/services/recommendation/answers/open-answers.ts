import { SamsaError } from '../../../errors.ts';
import type { StoreLocation } from '../../../progress/state.ts';
import { fromPlainError, startWorker } from '../../../runtime/threads.ts';
import type { Answers } from './answers.ts';
import type { AnswersData, Question, Reply } from './answers-thread.ts';

const restartAfterMs = 500;
const closeWithinMs = 2_000;
const youngGenerationMiB = 16;

type Asked = { readonly resolve: (answer: unknown) => void; readonly reject: (error: unknown) => void };
type QuestionWithoutId = Question extends infer One ? (One extends unknown ? Omit<One, 'id'> : never) : never;

/**
 * Runs the answers on their own thread, where solving and loading delay nothing else. A thread that fails is started
 * again; calls until then throw `store-unavailable` (retryable).
 * @param onProblem gets each problem of the thread. The work is tried again.
 */
export function openAnswers(
  location: StoreLocation,
  options: { readonly checkpointedElsewhere: boolean; readonly onProblem: (error: Error) => void },
): Answers {
  const { onProblem, checkpointedElsewhere } = options;
  const asked = new Map<number, Asked>();
  let [lastId, size] = [0, 0];
  const settle = (id: number, settleOne: (one: Asked) => void): void => {
    const one = asked.get(id);
    asked.delete(id);
    if (one !== undefined) settleOne(one);
  };
  const data: AnswersData = { location, checkpointedElsewhere };
  const worker = startWorker<Question, Reply>({
    entry: new URL('./answers-thread.ts', import.meta.url),
    name: 'recommendation-answers',
    data,
    youngGenerationMiB,
    restartAfterMs,
    onMessage: (reply) => {
      if ('trouble' in reply) return onProblem(fromPlainError(reply.trouble));
      if ('problem' in reply) return settle(reply.id, ({ reject }) => reject(fromPlainError(reply.problem)));
      size = reply.size;
      settle(reply.id, ({ resolve }) => resolve(reply.answer));
    },
    onEnd: (cause) => {
      const message = 'the thread that answers ended, and is started again';
      onProblem(new Error(message, { cause }));
      for (const id of asked.keys()) {
        settle(id, ({ reject }) => reject(new SamsaError('store-unavailable', message, { cause, retryable: true })));
      }
    },
  });
  const ask = <Answer>(question: QuestionWithoutId): Promise<Answer> =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++lastId;
      asked.set(id, { resolve, reject });
      worker.tell({ ...question, id });
    }) as Promise<Answer>;

  return {
    recommendations: (reader) => ask({ ask: 'recommendations', reader }),
    related: (bookId) => ask({ ask: 'related', bookId }),
    size: () => size,
    close: () => worker.close(closeWithinMs),
  };
}
