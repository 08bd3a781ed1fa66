import type { SamsaError } from '../../../errors.ts';
import type { StoreLocation } from '../../../progress/state.ts';
import { linkToParent, toPlainError, type PlainError } from '../../../runtime/threads.ts';
import { openRecommendationStore } from '../state.ts';
import { createAnswers, type Answers } from './answers.ts';

/** The module of the thread that keeps the model and answers from it. */

export type Question =
  | { readonly id: number; readonly ask: 'recommendations'; readonly reader: string }
  | { readonly id: number; readonly ask: 'related'; readonly bookId: number };

export type Reply =
  | { readonly id: number; readonly answer: unknown; readonly size: number }
  | { readonly id: number; readonly problem: PlainError }
  | { readonly trouble: PlainError };

export type AnswersData = { readonly location: StoreLocation; readonly checkpointedElsewhere: boolean };

const busyTimeoutMs = 1_000;

const link = linkToParent<AnswersData, Reply, Question>();
const tellTrouble = (error: unknown): void => link.tell({ trouble: toPlainError(error) });
const opening = open();

async function open(): Promise<{ readonly answers: Answers; readonly close: () => Promise<void> }> {
  const { location, checkpointedElsewhere } = link.data;
  const onProblem = (problem: SamsaError | null): void => {
    if (problem !== null) tellTrouble(problem);
  };
  const options = { clock: Date.now, busyTimeoutMs, checkpointedElsewhere, onProblem };
  const store = await openRecommendationStore(location, options);
  // This clock only decides when the list of popular books is made again; the wall clock may be set back.
  const answers = createAnswers(store, { clock: () => performance.now(), onProblem: tellTrouble });
  return {
    answers,
    close: async () => {
      await answers.close();
      await store.close();
    },
  };
}

async function answer(question: Question): Promise<void> {
  const { id } = question;
  try {
    const { answers } = await opening;
    const found =
      question.ask === 'recommendations'
        ? await answers.recommendations(question.reader)
        : await answers.related(question.bookId);
    link.tell({ id, answer: found, size: answers.size() });
  } catch (error) {
    link.tell({ id, problem: toPlainError(error) });
  }
}

link.listen({
  onMessage: (question) => void answer(question),
  onClose: () => void opening.then(({ close }) => close()).catch(() => {}),
});
