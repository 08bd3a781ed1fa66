import { Type, type Static, type TArray, type TSchema } from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';
import { createAskService, type Asked, type NoAnswer } from './ask-service.ts';

/** What the page uses of a row of `GET /trends` (docs/contract.md §2); more fields may come. */
const TrendSchema = Type.Object({
  query: Type.String({ minLength: 1, maxLength: 400 }),
  kind: Type.Union([Type.Literal('rising'), Type.Literal('popular')]),
  readers: Type.Integer({ minimum: 0 }),
  searches: Type.Integer({ minimum: 0 }),
  window: Type.Optional(Type.String({ maxLength: 40 })),
  as_of: Type.Optional(Type.String({ maxLength: 40 })),
  hourly: Type.Optional(Type.Array(Type.Number({ minimum: 0 }), { maxItems: 1_000 })),
});

/** What the page uses of a row of `GET /recommendations` (docs/contract.md §2). */
const RecommendationSchema = Type.Object({
  book_id: Type.Integer({ minimum: 1 }),
  title: Type.String({ minLength: 1 }),
  author: Type.String(),
  reasons: Type.Array(Type.Object({ kind: Type.String(), text: Type.String({ maxLength: 1_000 }) }), { maxItems: 100 }),
});

export type Trend = Static<typeof TrendSchema>;
export type Recommendation = Static<typeof RecommendationSchema>;

/** An answer from another service, or the reason why there is none; a page is shown either way. */
export type RemoteAnswer<Item> =
  | { readonly ok: true; readonly items: readonly Item[] }
  | { readonly ok: false; readonly reason: NoAnswer };

/** The two services the page reads. Every call resolves within 300 ms, and none is tried again. */
export type RemoteServices = {
  readonly trends: (limit: number) => Promise<RemoteAnswer<Trend>>;
  readonly recommendations: (readerId: string) => Promise<RemoteAnswer<Recommendation>>;
  readonly close: () => void;
};

const limits = { deadlineMs: 300, limitBytes: 1 << 20 };
const trendList = TypeCompiler.Compile(Type.Array(TrendSchema, { maxItems: 100 }));
const recommendationList = TypeCompiler.Compile(Type.Array(RecommendationSchema, { maxItems: 100 }));

export function createRemoteServices(options: {
  /** `remote.trend_url` and `remote.recommendation_url`; a path or query in them is dropped. */
  readonly trendUrl: string;
  readonly recommendationUrl: string;
  /** Signs a reader id, which a service that is not on loopback wants to see. */
  readonly signReader: (readerId: string) => string;
}): RemoteServices {
  const recommendationUrl = new URL(options.recommendationUrl);
  const trend = createAskService(new URL(options.trendUrl), limits);
  const recommendation = createAskService(recommendationUrl, limits);
  const nameReader = isLoopback(recommendationUrl) ? (readerId: string) => readerId : options.signReader;
  return {
    trends: async (limit) => itemsOf(trendList, await trend.ask(`/trends?ps=${limit}`)),
    recommendations: async (readerId) => {
      const path = `/recommendations?uid=${encodeURIComponent(nameReader(readerId))}`;
      return itemsOf(recommendationList, await recommendation.ask(path));
    },
    close: () => {
      trend.close();
      recommendation.close();
    },
  };
}

function itemsOf<Item extends TSchema>(list: TypeCheck<TArray<Item>>, asked: Asked): RemoteAnswer<Static<Item>> {
  if (!asked.ok) return asked;
  return list.Check(asked.body) ? { ok: true, items: asked.body } : { ok: false, reason: 'broken' };
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
